/** A way of subscribing to a repository. */
export interface RepositoryPlan {
  /** Within the repository, such as `basic`. */
  name: string;
  displayName: string;
  /** For a month. */
  priceCents: number;
  monthlyCredits: number;
  features: string[];
}

/** A graph that organisations may subscribe to; they read it and nothing else. */
export interface Repository {
  /** What it is called on the wire and in orders, such as `sec`. */
  name: string;
  graphId: string;
  description: string | null;
  plans: RepositoryPlan[];
  /** Whether it can be subscribed to; who has done so reads on. */
  isOffered: boolean;
}

/** With how its graph stands. */
export interface KnownRepository extends Repository {
  /** Whether an order would be taken now: it is offered, and its graph can be read. */
  isOrderable: boolean;
}

/** The right of all members of an organisation to read a repository, for as long as its subscription lasts. */
export interface RepositoryGrant {
  id: string;
  repository: string;
  graphId: string;
  orgId: string;
  subscriptionId: string;
  plan: string;
  monthlyCredits: number;
  grantedAt: Date;
  revokedAt: Date | null;
}
