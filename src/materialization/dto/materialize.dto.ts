import { Equals, IsBoolean, IsIn, IsOptional } from 'class-validator';
import { type Runner, RUNNERS } from '../../dagster/dagster-jobs.service';
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
