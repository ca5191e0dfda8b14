import { type Scope, SCOPES } from './actor';

/** What somebody may be made in a graph. */
export const MEMBER_ROLES = ['viewer', 'member', 'admin'] as const;
/** The first is of those whose organisation subscribes to the graph: they ask it, and see nothing of how it comes to be. */
export const GRAPH_ROLES = ['reader', ...MEMBER_ROLES] as const;
export type GraphRole = (typeof GRAPH_ROLES)[number];
export type MemberRole = (typeof MEMBER_ROLES)[number];

export const ORG_ROLES = ['member', 'admin', 'owner'] as const;
export type OrgRole = (typeof ORG_ROLES)[number];

/** Whether a role in a graph includes what another one allows. */
export function graphRoleCovers(role: GraphRole, needed: GraphRole): boolean {
  return GRAPH_ROLES.indexOf(role) >= GRAPH_ROLES.indexOf(needed);
}

/** Whether a role in an org includes what another one allows. */
export function orgRoleCovers(role: OrgRole, needed: OrgRole): boolean {
  return ORG_ROLES.indexOf(role) >= ORG_ROLES.indexOf(needed);
}

/** Whether a credential's scopes include another one: admin includes write, write includes read. */
export function scopesCover(scopes: readonly Scope[], needed: Scope): boolean {
  return scopes.some((scope) => SCOPES.indexOf(scope) >= SCOPES.indexOf(needed));
}

/** What somebody may do in a graph: owners and admins of its org everything, members what the graph's row says. */
export function effectiveGraphRole(orgRole: OrgRole | null, graphRole: MemberRole | null): MemberRole | null {
  if (orgRole === null) return null;
  return orgRole === 'member' ? graphRole : 'admin';
}
