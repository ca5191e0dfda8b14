import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiSecurity } from '@nestjs/swagger';
import type { Scope } from './actor';
import type { GraphRole, OrgRole } from './roles';

/** What a route asks of its caller: to be somebody, to run the installation, or a role where its path parameter points. */
export type Requirement = 'user' | 'operator' | `org:${OrgRole}` | `graph:${GraphRole}` | `operation:${GraphRole}`;

export interface RequireOptions {
  /** What an API key must be allowed to do. By default it follows from the role and the method, see {@link neededScope}. */
  scope?: Scope;
  /** Also takes the credential from `?token=`, for event streams opened by a browser, which cannot send headers. */
  tokenInQuery?: boolean;
  /** Also answers for graphs that are suspended: what tells about a graph without its data, and its removal. */
  whileSuspended?: boolean;
}

export type RouteAccess =
  | { target: 'public' }
  | ({ target: 'user' } & RequireOptions)
  | ({ target: 'operator' } & RequireOptions)
  | ({ target: 'org'; role: OrgRole } & RequireOptions)
  | ({ target: 'graph' | 'operation'; role: GraphRole } & RequireOptions);

export const ROUTE_ACCESS = Symbol('route access');

/** The path parameter that names the target. */
export const TARGET_PARAMETERS = { org: 'org_id', graph: 'graph_id', operation: 'operation_id' } as const;

/** Anybody may call this route. */
export const Public = () => SetMetadata(ROUTE_ACCESS, { target: 'public' } satisfies RouteAccess);

/**
 * Says who may call a route (or all routes of a controller). `org:` needs a path parameter `org_id`, `graph:` one named
 * `graph_id`, `operation:` one named `operation_id`. The application does not start while a route says neither this
 * nor {@link Public}.
 */
export function Requires(requirement: Requirement, options: RequireOptions = {}): MethodDecorator & ClassDecorator {
  const [target, role] = requirement.split(':');
  return applyDecorators(
    SetMetadata(ROUTE_ACCESS, { target, role, ...options } as RouteAccess),
    ApiBearerAuth(),
    ApiSecurity('api_key'),
  );
}

/** The scope that a key needs: operators and admin roles need "admin", viewers' routes "read", the rest depends on the method. */
export function neededScope(access: Exclude<RouteAccess, { target: 'public' }>, method: string): Scope {
  if (access.scope) return access.scope;
  if (access.target === 'operator') return 'admin';
  return scopeOfRole(access.target === 'user' ? 'member' : access.role, method);
}

/** The scope that a key needs for what asks for a role. */
export function scopeOfRole(role: GraphRole | OrgRole, method: string): Scope {
  if (role === 'admin' || role === 'owner') return 'admin';
  if (role === 'viewer' || role === 'reader') return 'read';
  return method === 'GET' || method === 'HEAD' ? 'read' : 'write';
}
