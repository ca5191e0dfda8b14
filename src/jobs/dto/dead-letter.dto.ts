import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { utcDate } from '../../auth/dto/api-key.dto';
import { GRAPH_ID, OPERATION_ID, UUID } from '../../common/ids';
import {
  DEAD_LETTER_STATUSES,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterStatus,
  type DeadLetterWithEverything,
} from '../dead-letters.repository';
import { type BulkResult, LARGEST_BULK } from '../dead-letters.service';

/** Which dead letters; members that are left out do not matter. */
export class DeadLetterCriteria {
  @ApiPropertyOptional({ description: 'operation type' })
  @IsOptional()
  @Matches(/^[a-z0-9_]{1,64}$/, { message: 'type must be the name of an operation type' })
  type?: string;

  @ApiPropertyOptional({ description: 'such as attempts_used_up, unexpected_error, invalid_payload, unknown_type' })
  @IsOptional()
  @Matches(/^[a-z0-9_]{1,64}$/, { message: 'reason must be a word such as attempts_used_up' })
  reason?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @Matches(UUID, { message: 'org_id must be the id of an organisation' })
  org_id?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @Matches(GRAPH_ID, { message: 'graph_id must be the id of a graph' })
  graph_id?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'failed at this time or later' })
  @IsOptional()
  @IsISO8601({ strict: true })
  since?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'failed before this time' })
  @IsOptional()
  @IsISO8601({ strict: true })
  until?: string;
}

export class DeadLetterListQuery extends DeadLetterCriteria {
  @ApiPropertyOptional({ enum: DEAD_LETTER_STATUSES })
  @IsOptional()
  @IsIn(DEAD_LETTER_STATUSES)
  status?: DeadLetterStatus;

  @ApiPropertyOptional({ default: 50, maximum: 200 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;

  @ApiPropertyOptional({ description: '`next_cursor` of the page before' })
  @IsOptional()
  @Matches(OPERATION_ID, { message: 'cursor must be the next_cursor of the page before' })
  cursor?: string;
}

/** Which open dead letters to retry or to discard: a filter, or ids. */
export class DeadLetterSelection extends DeadLetterCriteria {
  @ApiPropertyOptional({ type: [String], maxItems: LARGEST_BULK })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(LARGEST_BULK)
  @ArrayUnique()
  @Matches(OPERATION_ID, { each: true, message: 'each value in ids must be the id of a dead letter' })
  ids?: string[];
}

export function toFilter(query: DeadLetterCriteria & { status?: DeadLetterStatus; ids?: string[] }): DeadLetterFilter {
  return {
    type: query.type,
    reason: query.reason,
    orgId: query.org_id,
    graphId: query.graph_id,
    status: query.status,
    since: query.since === undefined ? undefined : utcDate(query.since),
    until: query.until === undefined ? undefined : utcDate(query.until),
    ids: query.ids,
  };
}

export function toDeadLetterDto(letter: DeadLetter) {
  return {
    id: letter.id,
    operation_id: letter.id,
    operation_type: letter.type,
    org_id: letter.org_id,
    graph_id: letter.graph_id,
    user_id: letter.user_id,
    reason: letter.reason,
    error: letter.error,
    attempt_count: letter.attempt_count,
    created_at: letter.created_at,
    status: letter.status,
    retried_as: letter.retried_as,
    resolved_at: letter.resolved_at,
    resolved_by: letter.resolved_by,
  };
}

export function toFullDeadLetterDto(letter: DeadLetterWithEverything) {
  return {
    ...toDeadLetterDto(letter),
    payload: letter.payload,
    last_progress: letter.last_progress,
    attempts: letter.attempts.map(({ attempt, worker_id, started_at, ended_at, outcome, error }) => ({
      attempt,
      worker_id,
      started_at: new Date(started_at).toISOString(),
      ended_at: ended_at && new Date(ended_at).toISOString(),
      outcome,
      error,
    })),
  };
}

export function toBulkDto({ outcomes, more }: BulkResult, done: 'retried' | 'discarded') {
  const results = outcomes.map((outcome) =>
    'refused' in outcome
      ? { id: outcome.id, outcome: 'failed', code: outcome.refused.code, message: outcome.refused.message }
      : { id: outcome.id, outcome: done, ...(outcome.operation && { operation_id: outcome.operation.id }) },
  );
  const failed = results.filter(({ outcome }) => outcome === 'failed').length;
  return { [done]: results.length - failed, failed, more, results };
}
