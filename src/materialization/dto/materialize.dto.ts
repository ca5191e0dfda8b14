import { ApiProperty, OmitType } from '@nestjs/swagger';
import { Equals, IsBoolean, IsIn, IsOptional } from 'class-validator';
import { type Runner, RUNNERS } from '../../dagster/dagster-jobs.service';
import { StartedOperationDto, toStartedDto } from '../../operations/dto/operation.dto';
import type { Operation } from '../../operations/operation.entity';
import { OPERATION_STATUSES, type OperationStatus } from '../../operations/operation-transitions';
import { type Mode, MODES } from '../materialization-plan';

export class MaterializeDto {
  @IsOptional()
  @IsBoolean()
  force: boolean = false;

  /** The same as `mode: "rebuild"`. */
  @IsOptional()
  @IsBoolean()
  rebuild: boolean = false;

  @IsOptional()
  @IsIn(MODES)
  mode: Mode = 'auto';

  @IsOptional()
  @IsBoolean()
  ignore_errors: boolean = true;

  @IsOptional()
  @IsBoolean()
  dry_run: boolean = false;

  @IsOptional()
  @IsIn(['staged', null], { message: 'source must be "staged", the only source there is' })
  source?: 'staged' | null;

  @IsOptional()
  @Equals(false, { message: 'materialize_embeddings is not available' })
  materialize_embeddings?: false;
}

export class MaterializeQuery {
  /** `dagster`: a job there calls back to have it done. Without it the settings decide. */
  @IsOptional()
  @IsIn(RUNNERS)
  runner?: Runner;
}

/** `queued` is what the published client calls an operation that waits. */
const STATUSES = ['queued', ...OPERATION_STATUSES] as const;

/** The answer to a request that began a materialization. */
export class StartedMaterializationDto extends OmitType(StartedOperationDto, ['status']) {
  @ApiProperty({ enum: STATUSES })
  status: OperationStatus | 'queued';
  @ApiProperty({ type: Object, nullable: true, description: 'of a dry run' })
  limit_check: null;
}

export function toStartedMaterializationDto(operation: Operation): StartedMaterializationDto {
  const status = operation.status === 'pending' ? 'queued' : operation.status;
  return { ...toStartedDto(operation), status, limit_check: null };
}
