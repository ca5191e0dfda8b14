import { Type } from 'class-transformer';
import { IsObject, IsOptional, IsUUID, ValidateNested } from 'class-validator';
import { defineOperation } from '../operations/define-operation';
import { ForkOptions } from './fork-options';

/** Nothing beyond the operation's own graph id. */
export class SubgraphPayload {}

/** Builds the first generation of a subgraph that begins without rows. */
export const CreateSubgraph = defineOperation({
  name: 'subgraph_creation',
  locks: 'graph',
  retryRole: 'admin',
  payload: SubgraphPayload,
  policy: { attempts: 3, backoffMs: 1_000, timeoutMs: 60_000, concurrency: 2, cancellable: true, retentionDays: 30 },
});

export class ForkSubgraphPayload {
  /** As they were sent. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => ForkOptions)
  options?: ForkOptions | null;
}

/** Takes the parent's live data as the first generation of a subgraph. */
export const ForkSubgraph = defineOperation({
  name: 'subgraph_fork',
  locks: 'graph',
  retryRole: 'admin',
  payload: ForkSubgraphPayload,
  // The time is for a part of tens of millions of rows; all of them are there at once.
  policy: { attempts: 3, backoffMs: 1_000, timeoutMs: 3_600_000, concurrency: 2, cancellable: true, retentionDays: 30 },
});

/** Takes the parent's live data once more, as the next generation of a fork. */
export const ResetSubgraph = defineOperation({
  name: 'subgraph_reset',
  locks: 'graph',
  retryRole: 'admin',
  payload: SubgraphPayload,
  policy: { attempts: 3, backoffMs: 1_000, timeoutMs: 3_600_000, concurrency: 2, cancellable: true, retentionDays: 30 },
});

export class DeleteSubgraphPayload {
  /** The backup to make first. */
  @IsUUID()
  systemBackupId: string;
}

/** Backs a subgraph up and then removes everything that it owns. Not cancellable, like the deletion of any graph. */
export const DeleteSubgraph = defineOperation({
  name: 'subgraph_deletion',
  locks: 'graph',
  retryRole: 'admin',
  payload: DeleteSubgraphPayload,
  policy: {
    attempts: 3,
    backoffMs: 2_000,
    timeoutMs: 7_200_000,
    concurrency: 1,
    cancellable: false,
    retentionDays: 30,
  },
});
