import { IsInt, Max, Min } from 'class-validator';
import { defineOperation } from '../operations/define-operation';

export class ExecuteQueryPayload {
  /** Seconds that the engine may take for the statement. */
  @IsInt()
  @Min(1)
  @Max(3_600)
  timeoutSeconds: number;
}

/** Runs one statement and keeps its whole result. Statement and parameters stand in `query_result`. */
export const ExecuteQuery = defineOperation({
  name: 'query_execution',
  locks: 'none',
  retryRole: 'viewer',
  payload: ExecuteQueryPayload,
  // The statement's own timeout comes first; the time is for waiting and for writing a large result. Many may run at
  // once, since most of them wait: `admission.ts` says who may have the engine. Those who wait hold a place here, so one
  // organisation has a few of them.
  policy: {
    attempts: 3,
    backoffMs: 1_000,
    timeoutMs: 7_200_000,
    concurrency: 32,
    perOrg: 4,
    cancellable: true,
    retentionDays: 30,
  },
});
