import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { type Tier, TIERS } from '../limits/tiers';
import { defineOperation } from '../operations/define-operation';

export class ProvisionGraphPayload {
  @IsUUID()
  subscriptionId: string;
}

/** Makes the graph that a subscription paid for. */
export const ProvisionGraph = defineOperation({
  name: 'graph_provisioning',
  locks: 'graph',
  retryRole: 'admin',
  payload: ProvisionGraphPayload,
  policy: { attempts: 5, backoffMs: 2_000, timeoutMs: 120_000, concurrency: 2, cancellable: true, retentionDays: 90 },
});

export class ProvisionRepositoryPayload extends ProvisionGraphPayload {}

/** Lets an organisation read the repository that a subscription paid for. */
export const ProvisionRepository = defineOperation({
  name: 'repository_provisioning',
  locks: 'none',
  retryRole: 'admin',
  payload: ProvisionRepositoryPayload,
  policy: { attempts: 5, backoffMs: 2_000, timeoutMs: 60_000, concurrency: 2, cancellable: true, retentionDays: 90 },
});

export class ChangeGraphTierPayload {
  @IsIn(TIERS)
  from: Tier;

  @IsIn(TIERS)
  to: Tier;

  /** Whose plan it is, where the graph is paid for. */
  @IsOptional()
  @IsUUID()
  subscriptionId?: string;
}

/** Gives a graph and its subgraphs the place and the limits of another tier; all of it is one transaction. */
export const ChangeGraphTier = defineOperation({
  name: 'graph_tier_change',
  locks: 'graph',
  retryRole: 'admin',
  payload: ChangeGraphTierPayload,
  policy: { attempts: 3, backoffMs: 1_000, timeoutMs: 60_000, concurrency: 2, cancellable: true, retentionDays: 30 },
});

export class DeprovisionGraphPayload {
  /** Made before anything is removed. */
  @IsUUID()
  systemBackupId: string;
}

/** Removes a suspended graph for good, after a last backup of it. Not cancellable, as its deletion is not. */
export const DeprovisionGraph = defineOperation({
  name: 'graph_deprovisioning',
  locks: 'graph',
  retryRole: 'admin',
  payload: DeprovisionGraphPayload,
  // The time is for the backup of the largest graphs.
  policy: {
    attempts: 5,
    backoffMs: 2_000,
    timeoutMs: 3_600_000,
    concurrency: 1,
    cancellable: false,
    retentionDays: 30,
  },
});
