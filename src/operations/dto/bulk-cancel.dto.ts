import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsArray, IsIn, IsOptional, Matches } from 'class-validator';
import { OPERATION_ID } from '../../common/ids';
import { InvalidRequest } from '../../common/problem.filter';
import { type CancelReport, LARGEST_CANCEL } from '../bulk-cancel';
import type { OperationFilter } from '../visible-operations';
import { OperationCriteria, toOperationFilter } from './operation-history.dto';

const OPEN = ['pending', 'running'] as const;
/** What was refused is counted; so many are named. */
const MOST_NAMED = 1_000;

/** Which operations to cancel: a filter, or ids. */
export class BulkCancelRequest extends OperationCriteria {
  @ApiPropertyOptional({ enum: OPEN, isArray: true, description: 'both, unless one is given' })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(OPEN, { each: true })
  status?: (typeof OPEN)[number][];

  @ApiPropertyOptional({ type: [String], maxItems: LARGEST_CANCEL })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(LARGEST_CANCEL)
  @ArrayUnique()
  @Matches(OPERATION_ID, { each: true, message: 'each value in ids must be the id of an operation' })
  ids?: string[];
}

export class RefusedCancelDto {
  @ApiProperty()
  id: string;
  @ApiProperty()
  code: string;
  @ApiProperty()
  message: string;
}

export class BulkCancelDto {
  @ApiProperty({ description: 'were waiting, and have ended as cancelled' })
  cancelled: number;
  @ApiProperty({ description: 'are running; their workers were asked to stop them' })
  stopping: number;
  @ApiProperty({ description: 'had ended before' })
  already_ended: number;
  @ApiProperty({ description: 'could not be cancelled by you, or not at all' })
  refused: number;
  @ApiProperty({ type: [RefusedCancelDto], description: `why, for the first ${MOST_NAMED} of them` })
  refusals: RefusedCancelDto[];
  @ApiProperty({ description: `further ones pass the filter, since one call takes ${LARGEST_CANCEL}: ask again` })
  more: boolean;
}

/** All of them at once is nobody's wish. Throws a 422 where nothing is said of which ones. */
export function selectionIn(request: BulkCancelRequest): { ids: string[] } | { filter: OperationFilter } {
  const given = Object.values(request).filter((value) => value !== undefined);
  if (given.length === 0) {
    const msg = 'say which ones: ids, or at least one of graph_id, operation_type, user_id, status and a time';
    throw new InvalidRequest([{ loc: ['body'], msg, type: 'missing' }]);
  }
  if (request.ids === undefined) return { filter: toOperationFilter(request) };
  if (given.length > 1) {
    throw new InvalidRequest([{ loc: ['body', 'ids'], msg: 'ids go without a filter', type: 'value_error' }]);
  }
  return { ids: request.ids };
}

export function toBulkCancelDto({ cancelled, stopping, ended, refused, more }: CancelReport): BulkCancelDto {
  return {
    cancelled: cancelled.length,
    stopping: stopping.length,
    already_ended: ended.length,
    refused: refused.length,
    refusals: refused.slice(0, MOST_NAMED).map(({ id, error: { code, message } }) => ({ id, code, message })),
    more,
  };
}
