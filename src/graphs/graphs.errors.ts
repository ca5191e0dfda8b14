import { GraphSuspended } from '../auth/auth.errors';
import { DomainError } from '../common/domain-error';

/** The graph has no live generation yet, or not any more. */
export class GraphNotReady extends DomainError {
  readonly code = 'graph_not_ready';
  readonly kind = 'conflict';
  constructor(graphId: string, status: string) {
    super(
      status === 'provisioning'
        ? `Graph ${graphId} is still being created. Wait for its graph_creation operation to complete`
        : status === 'queued'
          ? `Graph ${graphId} waits for a free place in its tier. Wait for its graph_creation operation to complete`
          : `Graph ${graphId} is ${status} and cannot be used. Create a new graph`,
    );
  }
}

/** Why a graph with this status cannot be used. */
export function notUsable(graphId: string, status: string): DomainError {
  return status === 'suspended' ? new GraphSuspended(graphId) : new GraphNotReady(graphId, status);
}

/** There is no place for one more graph, and what needs it cannot wait. */
export class TierFull extends DomainError {
  readonly code = 'tier_full';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(tier: string, slots: number) {
    super(
      `All ${slots} places for graphs of tier ${tier} are taken or waited for. Delete a graph that you do not need, or try again later`,
    );
    this.details = { tier, slots };
  }
}

export class NoOrganisation extends DomainError {
  readonly code = 'organisation_required';
  readonly kind = 'bad_request';
  constructor() {
    super('You belong to no organisation in which you may create graphs. Ask an owner to add you');
  }
}

export class OrganisationAmbiguous extends DomainError {
  readonly code = 'organisation_ambiguous';
  readonly kind = 'bad_request';
  constructor() {
    super('You belong to several organisations: say in which one to create the graph with org_id');
  }
}

/** Another generation went live since this build began. */
export class PublishConflict extends DomainError {
  readonly code = 'publish_conflict';
  readonly kind = 'conflict';
  constructor(graphId: string) {
    super(`Graph ${graphId} was changed by something else while this was being built. Run it again`);
  }
}

/** There is no earlier data of the graph to go back to. */
export class NoPreviousGeneration extends DomainError {
  readonly code = 'no_previous_generation';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(generation: number, reason: string) {
    super(`Generation ${generation} cannot be taken back: ${reason}`);
    this.details = { generation };
  }
}

/** The generation that should be taken back is not the live one. */
export class NotTheLiveGeneration extends DomainError {
  readonly code = 'not_the_live_generation';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(generation: number, live: number) {
    super(`Generation ${generation} is not live, generation ${live} is. Look again before you take it back`);
    this.details = { generation, live_generation: live };
  }
}

/** A graph is not deleted with its subgraphs unless somebody says so. */
export class GraphHasSubgraphs extends DomainError {
  readonly code = 'graph_has_subgraphs';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(graphId: string, subgraphs: string[]) {
    super(
      `Graph ${graphId} has ${subgraphs.length} subgraphs: ${subgraphs.join(', ')}. Delete them first, or send cascade=true to delete them with it`,
    );
    this.details = { subgraphs };
  }
}

/** Organisations pay for reading it. */
export class GraphIsRead extends DomainError {
  readonly code = 'graph_is_read';
  readonly kind = 'conflict';
  constructor(graphId: string, organisations: number) {
    super(
      `Graph ${graphId} is a shared repository that ${organisations} organisations subscribe to. Offer it no longer, and delete it when their subscriptions are over`,
    );
  }
}

/** In this installation a graph is made for those who pay for it. */
export class SubscriptionRequired extends DomainError {
  readonly code = 'subscription_required';
  readonly kind = 'payment_required';
  /** `then`: what to do with the graph that was ordered. */
  constructor(then = '') {
    super(`Graphs are made by subscription here: order one with POST /v1/billing/checkout${then}`);
  }
}
