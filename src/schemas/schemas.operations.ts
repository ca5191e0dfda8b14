import { IsInt, Min } from 'class-validator';
import { defineOperation } from '../operations/define-operation';

export class ChangeSchemaPayload {
  /** Number of the pending schema version to apply. */
  @IsInt()
  @Min(2)
  version: number;
}

/** Changes the tables of a graph in a copy of its live data, and publishes it with the new schema. */
export const ChangeSchema = defineOperation({
  name: 'graph_schema_change',
  locks: 'graph',
  retryRole: 'admin',
  payload: ChangeSchemaPayload,
  // The time is for copying and hashing a large file; the statements themselves take moments.
  policy: { attempts: 3, backoffMs: 2_000, timeoutMs: 1_800_000, concurrency: 1, cancellable: true, retentionDays: 30 },
});
