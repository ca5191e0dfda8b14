import type { SlowQuery } from './query-stats';

export function toSlowDto({ id, statement, userId, startedAt, ms, rows, outcome }: SlowQuery): object {
  return {
    query_id: id,
    statement,
    user_id: userId,
    started_at: startedAt.toISOString(),
    execution_time_ms: Math.round(ms),
    row_count: rows,
    outcome,
  };
}
