import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuditService } from '../audit/audit.service';
import { DomainError } from '../common/domain-error';
import { GRAPH_ID, UUID } from '../common/ids';
import type { Access, AccessRequest } from './access';
import {
  admitToGraph,
  admitToOrg,
  requireInService,
  requireOperator,
  requireScope,
  requireUnbound,
} from './access-rules';
import type { AccessRow, Target } from './access.repository';
import { AccessService } from './access.service';
import { GraphNotFound, OrgNotFound, Unauthenticated } from './auth.errors';
import { visitorOf } from './current';
import { presentedSecret } from './presented-secret';
import { neededScope, ROUTE_ACCESS, type RouteAccess } from './requires';

type Guarded = Exclude<RouteAccess, { target: 'public' }>;

/**
 * The one door: finds out who calls and whether they may, for every route, from its `@Requires`. Puts `actor` and
 * `access` on the request. A caller learns nothing of what is not theirs: it is simply not found.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly access: AccessService,
    private readonly audit: AuditService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.getAllAndOverride<RouteAccess | undefined>(ROUTE_ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!rule) throw new Error(`${context.getClass().name}.${context.getHandler().name} does not say who may call it`);
    if (rule.target === 'public') return true;

    const request = context.switchToHttp().getRequest<AccessRequest>();
    const secret = presentedSecret(request, rule.tokenInQuery);
    if (!secret) throw new Unauthenticated();
    const target = targetOf(rule, request);
    const { actor, row } = await this.access.authenticate(secret, visitorOf(request), target ?? NO_TARGET);
    request.actor = actor;
    try {
      request.access = await this.admit(rule, request, target && row);
    } catch (error) {
      if (error instanceof DomainError && !READS.has(request.method)) await this.recordRefusal(request, row, error);
      throw error;
    }
    return true;
  }

  /** `row` is null where the path names nothing that could exist. */
  private async admit(rule: Guarded, request: AccessRequest, row: AccessRow | null): Promise<Access> {
    const actor = request.actor!;
    const scope = neededScope(rule, request.method);
    switch (rule.target) {
      case 'user':
        requireUnbound(actor, scope);
        requireScope(actor, scope);
        return {};
      case 'operator':
        requireOperator(actor);
        requireUnbound(actor, scope);
        requireScope(actor, scope);
        return {};
      case 'org': {
        if (!row) throw new OrgNotFound();
        const org = admitToOrg(row, rule.role);
        requireUnbound(actor, scope);
        requireScope(actor, scope);
        return { org };
      }
      case 'graph': {
        if (!row) throw new GraphNotFound();
        const graph = admitToGraph(row, actor, rule.role);
        requireScope(actor, scope);
        if (!rule.whileSuspended) requireInService(row);
        return { graph };
      }
      case 'operation': {
        const operation = await this.access.requireOperation(actor, parameter(request, 'operation_id'), rule.role);
        requireScope(actor, scope);
        return { operation };
      }
    }
  }

  private recordRefusal(request: AccessRequest, row: AccessRow, error: DomainError): Promise<void> {
    const { graph_id, org_id, operation_id } = request.params as Record<string, string | undefined>;
    return this.audit.recordRefusal({
      actor: request.actor!,
      action: 'access.denied',
      target: (operation_id ?? graph_id ?? org_id ?? null)?.slice(0, 64) ?? null,
      // Shown to an organisation only where the caller belongs to it: strangers cannot fill its log.
      orgId: row.org_role ? row.org_id : null,
      details: { code: error.code, method: request.method, route: request.routeOptions.url },
    });
  }
}

const NO_TARGET: Target = { kind: 'none' };
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What the credential is looked up together with; null where the path's id is malformed, so nothing can be found. */
function targetOf(rule: Guarded, request: AccessRequest): Target | null {
  switch (rule.target) {
    case 'org': {
      const id = parameter(request, 'org_id');
      return UUID.test(id) ? { kind: 'org', id } : null;
    }
    case 'graph': {
      const id = parameter(request, 'graph_id');
      return GRAPH_ID.test(id) ? { kind: 'graph', id } : null;
    }
    case 'user':
    case 'operator':
    case 'operation':
      return NO_TARGET;
  }
}

function parameter(request: AccessRequest, name: string): string {
  return (request.params as Record<string, string | undefined>)[name] ?? '';
}
