import type { FastifyRequest } from 'fastify';
import type { Actor } from './actor';
import type { GraphRole, OrgRole } from './roles';

/** A graph that the caller may use, and as what. */
export interface GraphAccess {
  id: string;
  orgId: string;
  /** The parent of a subgraph; roles are the parent's. */
  parentId: string | null;
  status: string;
  /** Names its limits. */
  tier: string;
  role: GraphRole;
}

/** An organisation that the caller belongs to, and as what. */
export interface OrgAccess {
  id: string;
  role: OrgRole;
}

/** An operation that the caller may see. */
export interface OperationAccess {
  id: string;
  orgId: string | null;
  graphId: string | null;
  role: GraphRole;
}

export interface Access {
  graph?: GraphAccess;
  org?: OrgAccess;
  operation?: OperationAccess;
}

/** A request that has passed the guard. Both are absent on public routes. */
export interface AccessRequest extends FastifyRequest {
  actor?: Actor;
  access?: Access;
}
