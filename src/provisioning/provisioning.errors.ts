import { DomainError } from '../common/domain-error';

/** A graph that is in use is not taken down: nobody would be warned. */
export class GraphInService extends DomainError {
  readonly code = 'graph_in_service';
  readonly kind = 'conflict';
  constructor(graphId: string, status: string) {
    super(`Graph ${graphId} is ${status}. Suspend it first: only suspended graphs are deprovisioned`);
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
