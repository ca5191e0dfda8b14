import { IsBoolean, IsIn, IsOptional, IsUUID } from 'class-validator';
import { defineOperation } from '../operations/define-operation';
import { type Mode, MODES } from './materialization-plan';

export class MaterializeGraphPayload {
  /** Build even if nothing changed since the last time. */
  @IsBoolean()
  force: boolean;

  /** Leave bad rows out and count them; without it one bad row means that nothing is published. */
  @IsBoolean()
  ignoreErrors: boolean;

  @IsOptional()
  @IsIn(MODES)
  mode?: Mode;
}

/** Builds the next generation from what is staged, all of it or what is new, and publishes it. */
export const MaterializeGraph = defineOperation({
  name: 'graph_materialization',
  locks: 'graph',
  retryRole: 'member',
  payload: MaterializeGraphPayload,
  // The time is for tens of millions of rows; one at a time, since a load uses every core.
  policy: { attempts: 3, backoffMs: 2_000, timeoutMs: 3_600_000, concurrency: 1, cancellable: true, retentionDays: 30 },
});

export class LoadRowsPayload {
  /** The rows of the request, as they are kept in the object store. */
  @IsUUID()
  batchId: string;
}

/** Loads rows that came with a request into a copy of the live data, and publishes it. */
export const LoadRows = defineOperation({
  name: 'graph_rows',
  locks: 'graph',
  retryRole: 'member',
  payload: LoadRowsPayload,
  policy: { attempts: 3, backoffMs: 1_000, timeoutMs: 900_000, concurrency: 2, cancellable: true, retentionDays: 30 },
});
