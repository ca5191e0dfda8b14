import type { GraphAccess, OrgAccess } from './access';
import type { AccessRow } from './access.repository';
import {
  GraphNotFound,
  GraphSuspended,
  KeyBoundToGraphs,
  OperatorRequired,
  OrgNotFound,
  RoleRequired,
  ScopeRequired,
} from './auth.errors';
import type { Actor, Scope } from './actor';
import { effectiveGraphRole, type GraphRole, graphRoleCovers, type OrgRole, orgRoleCovers, scopesCover } from './roles';

type Credential = Pick<Actor, 'scopes' | 'graphIds'>;

/** Whether a credential is good for a graph. One that is bound to a graph is good for its subgraphs as well. */
export function reachesGraph(credential: Pick<Actor, 'graphIds'>, graphId: string, parentId: string | null): boolean {
  const { graphIds } = credential;
  return graphIds === null || graphIds.includes(graphId) || (parentId !== null && graphIds.includes(parentId));
}

/** The role in the graph that a row speaks of; null where there is no graph, no membership, or the key is for others. */
export function graphRoleIn(row: AccessRow, credential: Pick<Actor, 'graphIds'>): GraphRole | null {
  if (!row.graph_id || !reachesGraph(credential, row.graph_id, row.parent_id ?? null)) return null;
  return effectiveGraphRole(row.org_role ?? null, row.graph_role ?? null) ?? (row.granted ? 'reader' : null);
}

/** Lets a caller into a graph as `needed`, or throws. A graph that is not theirs and one that is not there look alike. */
export function admitToGraph(row: AccessRow, credential: Pick<Actor, 'graphIds'>, needed: GraphRole): GraphAccess {
  const role = graphRoleIn(row, credential);
  const deleted = row.status === 'deleted' || row.parent_status === 'deleted';
  if (role === null || deleted) throw new GraphNotFound();
  if (!graphRoleCovers(role, needed)) throw new RoleRequired('graph', needed, role);
  return {
    id: row.graph_id as string,
    orgId: row.org_id as string,
    parentId: row.parent_id ?? null,
    status: row.status as string,
    tier: row.tier as string,
    role,
  };
}

/** Throws for a graph that is suspended, or whose parent is. */
export function requireInService(row: AccessRow): void {
  if (row.status === 'suspended') throw new GraphSuspended(row.graph_id as string);
  if (row.parent_status === 'suspended') throw new GraphSuspended(row.parent_id as string);
}

/** Lets a caller into an organisation as `needed`, or throws. */
export function admitToOrg(row: AccessRow, needed: OrgRole): OrgAccess {
  const role = row.org_role ?? null;
  if (role === null) throw new OrgNotFound();
  if (!orgRoleCovers(role, needed)) throw new RoleRequired('org', needed, role);
  return { id: row.org_id as string, role };
}

/** Throws where somebody does not run this installation. */
export function requireOperator({ isOperator }: Pick<Actor, 'isOperator'>): void {
  if (!isOperator) throw new OperatorRequired();
}

/** Throws where a credential may not do this kind of thing, whatever its user's role is. */
export function requireScope(credential: Credential, scope: Scope): void {
  if (!scopesCover(credential.scopes, scope)) throw new ScopeRequired(scope);
}

/** A key that is bound to graphs may look at, but not change, what lies outside of graphs: users and organisations. */
export function requireUnbound(credential: Credential, scope: Scope): void {
  if (credential.graphIds !== null && scope !== 'read') throw new KeyBoundToGraphs();
}
