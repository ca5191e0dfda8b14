import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { ArrayNotEmpty, ArrayUnique, IsIn, IsInt, IsISO8601, IsOptional, Matches, Max, Min } from 'class-validator';
import { utcDate } from '../../auth/dto/api-key.dto';
import { GRAPH_ID, OPERATION_ID, UUID } from '../../common/ids';
import { LARGEST_INTEGER } from '../../common/units';
import { OPERATION_STATUSES, type OperationStatus } from '../operation-transitions';
import type { OperationFilter } from '../visible-operations';

const MOST = 200;

/** Which operations, among those that the caller may see. */
export class OperationCriteria {
  @ApiPropertyOptional()
  @IsOptional()
  @Matches(GRAPH_ID, { message: 'graph_id must be the id of a graph' })
  graph_id?: string;

  @ApiPropertyOptional({ description: 'name of a type, such as graph_materialization' })
  @IsOptional()
  @Matches(/^[a-z0-9_]{1,64}$/, { message: 'operation_type must be the name of a type' })
  operation_type?: string;

  @ApiPropertyOptional({ description: 'who began it' })
  @IsOptional()
  @Matches(UUID, { message: 'user_id must be the id of a user' })
  user_id?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'begun at this time or later' })
  @IsOptional()
  @IsISO8601({ strict: true })
  created_after?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'begun before this time' })
  @IsOptional()
  @IsISO8601({ strict: true })
  created_before?: string;
}

/** Which operations to list, newest first. */
export class OperationListQuery extends OperationCriteria {
  @ApiPropertyOptional({
    enum: OPERATION_STATUSES,
    isArray: true,
    description: 'one or several: joined by commas, or given several times',
  })
  @IsOptional()
  @Transform(({ value }) => words(value))
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(OPERATION_STATUSES, { each: true })
  status?: OperationStatus[];

  @ApiPropertyOptional({ format: 'date-time', description: 'ended at this time or later' })
  @IsOptional()
  @IsISO8601({ strict: true })
  ended_after?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'ended before this time' })
  @IsOptional()
  @IsISO8601({ strict: true })
  ended_before?: string;

  @ApiPropertyOptional({ default: 50, maximum: MOST })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MOST)
  limit: number = 50;

  @ApiPropertyOptional({ description: '`next_cursor` of the page before' })
  @IsOptional()
  @Matches(OPERATION_ID, { message: 'cursor must be the next_cursor of the page before' })
  cursor?: string;
}

/** Which stored events of an operation to read. */
export class OperationEventsQuery {
  @ApiPropertyOptional({ default: 0, description: 'only events after this sequence number' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(LARGEST_INTEGER)
  after: number = 0;

  @ApiPropertyOptional({ default: 100, maximum: 1_000 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000)
  limit: number = 100;
}

export function toOperationFilter(query: OperationCriteria & Partial<OperationListQuery>): OperationFilter {
  return {
    graphId: query.graph_id,
    type: query.operation_type,
    statuses: query.status,
    userId: query.user_id,
    createdAfter: dateOf(query.created_after),
    createdBefore: dateOf(query.created_before),
    endedAfter: dateOf(query.ended_after),
    endedBefore: dateOf(query.ended_before),
  };
}

function dateOf(iso: string | undefined): Date | undefined {
  return iso === undefined ? undefined : utcDate(iso);
}

/** `a,b` and `a` given twice say the same. */
function words(value: unknown): unknown {
  return [value].flat().flatMap((one) => (typeof one === 'string' ? one.split(',') : [one]));
}
