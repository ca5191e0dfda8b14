import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { GRAPH_ID, OPERATION_ID } from '../../common/ids';
import { OPERATION_STATUSES, type OperationStatus } from '../operation-transitions';

const MOST = 200;

/** Which operations to list, newest first. */
export class OperationListQuery {
  @IsOptional()
  @Matches(GRAPH_ID, { message: 'graph_id must be the id of a graph' })
  graph_id?: string;

  @IsOptional()
  @Matches(/^[a-z0-9_]{1,64}$/, { message: 'operation_type must be the name of a type' })
  operation_type?: string;

  @IsOptional()
  @IsIn(OPERATION_STATUSES)
  status?: OperationStatus;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MOST)
  limit: number = 50;

  /** `next_cursor` of the page before. */
  @IsOptional()
  @Matches(OPERATION_ID, { message: 'cursor must be the next_cursor of the page before' })
  cursor?: string;
}

/** Which stored events of an operation to read. */
export class OperationEventsQuery {
  /** Only events after this sequence number. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  after: number = 0;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000)
  limit: number = 100;
}
