import { IsBoolean } from 'class-validator';
import { defineOperation } from '../operations/define-operation';

export class MaterializeGraphPayload {
  /** Build even if nothing changed since the last time. */
  @IsBoolean()
  force: boolean;

  /** Leave bad rows out and count them; without it one bad row means that nothing is published. */
  @IsBoolean()
  ignoreErrors: boolean;
}

/** Builds a new generation from everything that is staged, and publishes it. */
export const MaterializeGraph = defineOperation({
  name: 'graph_materialization',
  locks: 'graph',
  payload: MaterializeGraphPayload,
  // The time is for tens of millions of rows; one at a time, since a load uses every core.
  policy: { attempts: 3, backoffMs: 2_000, timeoutMs: 3_600_000, concurrency: 1, cancellable: true, retentionDays: 30 },
});
