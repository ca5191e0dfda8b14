import { DomainError } from '../common/domain-error';

/** A graph that is in use is not taken down: nobody would be warned. */
export class GraphInService extends DomainError {
  readonly code = 'graph_in_service';
  readonly kind = 'conflict';
  constructor(graphId: string, status: string) {
    super(`Graph ${graphId} is ${status}. Suspend it first: only suspended graphs are deprovisioned`);
  }
}

/** The subscription is not one that waits for its graph any more. */
export class SubscriptionMovedOn extends DomainError {
  readonly code = 'subscription_moved_on';
  readonly kind = 'conflict';
  constructor(subscriptionId: string, status: string) {
    super(`Subscription ${subscriptionId} is ${status}: nothing is made for it any more. Order again at the checkout`);
  }
}

/** Nothing failed that could be tried again. */
export class NotStalled extends DomainError {
  readonly code = 'not_stalled';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(status: string, operationId: string | null) {
    super(
      operationId === null
        ? `The subscription is ${status}: there is nothing to try again`
        : `What was paid for is being made by operation ${operationId}. Wait for it`,
    );
    this.details = { operation_id: operationId };
  }
}

/** The graph is of this tier already. */
export class TierUnchanged extends DomainError {
  readonly code = 'tier_unchanged';
  readonly kind = 'conflict';
  constructor(graphId: string, tier: string) {
    super(`Graph ${graphId} is of tier ${tier} already. Name another tier`);
  }
}

/** A subgraph is of its parent's tier, and goes with it. */
export class NotOfASubgraph extends DomainError {
  readonly code = 'not_of_a_subgraph';
  readonly kind = 'conflict';
  constructor(graphId: string, parentId: string) {
    super(`${graphId} is a subgraph: ask for its parent ${parentId}, which it goes with`);
  }
}

/** The graph holds more than the smaller tier allows. */
export class TierTooSmall extends DomainError {
  readonly code = 'tier_too_small';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(tier: string, limit: 'max_subgraphs' | 'storage_gb', allowed: number, actual: number) {
    super(`Tier ${tier} allows ${limit} = ${allowed}, and the graph has ${actual}. Remove what is too much first`);
    this.details = { tier, limit, allowed, actual };
  }
}
