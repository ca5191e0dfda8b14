import { IsObject, Matches } from 'class-validator';
import { defineOperation } from '../operations/define-operation';

export class DagsterJobPayload {
  /** The job's name in the code location of the settings. */
  @Matches(/^\w+$/)
  job: string;

  /** What the job is configured with. Never a credential: it is shown in Dagster. */
  @IsObject()
  runConfig: object;
}

/** What a worker gets to end a run with its operation: a launch on its way, DAGSTER_STOP_SECONDS, and two answers. */
export const LONGEST_STOP_SECONDS = 90;

/** Runs a job in Dagster and ends as its run does. What the job changes, it changes by calls of its own. */
export const DagsterJob = defineOperation({
  name: 'dagster_job',
  // Not the graph: the materialization that the job calls back for needs that lock.
  locks: 'none',
  resourceOf: ({ job }, graphId) => (graphId === null ? null : `dagster:${job}:${graphId}`),
  retryRole: 'member',
  payload: DagsterJobPayload,
  policy: {
    // Only lost workers use one up, and the run goes on without them.
    attempts: 20,
    backoffMs: 2_000,
    // DAGSTER_RUN_SECONDS, at most a week, ends it before.
    timeoutMs: 700_000_000,
    // Each only waits and asks.
    concurrency: 50,
    cancellable: true,
    retentionDays: 30,
    stopMs: LONGEST_STOP_SECONDS * 1_000,
  },
});
