import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { GRAPH_ID, OPERATION_ID, UUID } from '../common/ids';
import type { GraphAccess, OperationAccess, OrgAccess } from './access';
import { AccessCache } from './access-cache';
import { admitToGraph, admitToOrg, graphRoleIn, reachesGraph, requireInService } from './access-rules';
import { AccessTargets, type OwnedBy } from './access-targets';
import { AccessRepository, type AccessRow, type Identity, type Target } from './access.repository';
import type { Actor } from './actor';
import { GraphNotFound, OperationNotFound, OrgNotFound, RoleRequired, Unauthenticated } from './auth.errors';
import type { Visitor } from './current';
import { KeyUsage } from './key-usage';
import { type GraphRole, graphRoleCovers, type OrgRole } from './roles';
import { hashSecret, isApiKey } from './secrets';

/** Who somebody is and what they may do. The guard asks it for every request; services ask it where no route can. */
@Injectable()
export class AccessService {
  constructor(
    private readonly repository: AccessRepository,
    private readonly cache: AccessCache,
    private readonly targets: AccessTargets,
    private readonly keyUsage: KeyUsage,
    private readonly clock: Clock,
  ) {}

  /**
   * The caller behind an API key or session token, and what the database says of them and `target`, in one statement
   * at most. Throws {@link Unauthenticated} for unknown, expired and revoked credentials and disabled users.
   */
  async authenticate(secret: string, visitor: Visitor, target: Target): Promise<{ actor: Actor; row: AccessRow }> {
    const kind = isApiKey(secret) ? 'api_key' : 'session';
    const row = await this.find({ kind, hash: hashSecret(secret) }, target);
    if (!row) throw new Unauthenticated(`This ${WORDS[kind]} is not known or was revoked. ${REMEDIES[kind]}`);
    const now = this.clock.now();
    if (row.valid_until && row.valid_until <= now) {
      throw new Unauthenticated(`This ${WORDS[kind]} has expired. ${REMEDIES[kind]}`);
    }
    if (kind === 'api_key') this.keyUsage.touch(row.credential_id as string, now);
    const actor: Actor = {
      userId: row.user_id,
      apiKeyId: kind === 'api_key' ? row.credential_id : null,
      sessionId: kind === 'session' ? row.credential_id : null,
      scopes: row.scopes,
      graphIds: row.graph_ids,
      isOperator: row.is_operator,
      requestId: visitor.requestId,
      ip: visitor.ip,
    };
    return { actor, row };
  }

  /**
   * The actor's access to a graph as at least `role`. Throws {@link GraphNotFound}, {@link RoleRequired}, or `GraphSuspended`
   * unless `whileSuspended` is allowed.
   */
  async require(
    actor: Actor,
    graphId: string,
    role: GraphRole,
    { whileSuspended = false }: { whileSuspended?: boolean } = {},
  ): Promise<GraphAccess> {
    if (!GRAPH_ID.test(graphId)) throw new GraphNotFound();
    const row = await this.find({ kind: 'user', userId: actor.userId }, { kind: 'graph', id: graphId });
    if (!row) throw new GraphNotFound();
    const access = admitToGraph(row, actor, role);
    if (!whileSuspended) requireInService(row);
    return access;
  }

  /** The actor's access to an organisation as at least `role`. Throws {@link OrgNotFound} or {@link RoleRequired}. */
  async requireOrg(actor: Actor, orgId: string, role: OrgRole): Promise<OrgAccess> {
    if (!UUID.test(orgId)) throw new OrgNotFound();
    const row = await this.find({ kind: 'user', userId: actor.userId }, { kind: 'org', id: orgId });
    if (!row) throw new OrgNotFound();
    return admitToOrg(row, role);
  }

  /** The actor's access to an operation. It follows the graph's role, also after the graph is deleted. */
  async requireOperation(actor: Actor, operationId: string, role: GraphRole): Promise<OperationAccess> {
    const owner = OPERATION_ID.test(operationId) ? await this.targets.resolve('operation_id', operationId) : null;
    const actual = owner && (await this.roleOver(actor, owner));
    if (!owner || !actual) throw new OperationNotFound();
    if (!graphRoleCovers(actual, role)) throw new RoleRequired('operation', role, actual);
    return { id: operationId, orgId: owner.orgId, graphId: owner.graphId, role: actual };
  }

  /** Whether the actor would be let in to see an operation with this owner. */
  async maySee(actor: Actor, owner: OwnedBy): Promise<boolean> {
    return (await this.roleOver(actor, owner)) !== null;
  }

  /** Drops what is remembered. Call it after the commit of a change of rights in this process. */
  forget(): void {
    this.cache.clear();
  }

  private async roleOver(actor: Actor, owner: OwnedBy): Promise<GraphRole | null> {
    const user: Identity = { kind: 'user', userId: actor.userId };
    if (owner.graphId !== null) {
      const row = await this.find(user, { kind: 'graph', id: owner.graphId });
      if (row?.graph_id) {
        const role = graphRoleIn(row, actor);
        // Who only reads a graph has no part in the work on it.
        return role === 'reader' ? null : role;
      }
      if (!reachesGraph(actor, owner.graphId, null)) return null;
    } else if (actor.graphIds !== null) {
      return null;
    }
    // Work of an organisation, or on a graph that never came to be: its admins and whoever started it.
    if (owner.orgId === null) return owner.userId === actor.userId ? 'admin' : null;
    const orgRole = (await this.find(user, { kind: 'org', id: owner.orgId }))?.org_role ?? null;
    if (orgRole === null) return null;
    return orgRole !== 'member' || owner.userId === actor.userId ? 'admin' : null;
  }

  private find(identity: Identity, target: Target): Promise<AccessRow | null> {
    const who = identity.kind === 'user' ? identity.userId : identity.hash.toString('base64');
    const where = target.kind === 'none' ? '' : target.id;
    return this.cache.get(
      `${identity.kind} ${who} ${target.kind} ${where}`,
      () => this.repository.find(identity, target),
      // A "no" is looked up again each time, so that a new graph or membership works at once.
      (row) => target.kind === 'none' || Boolean(row.org_role) || row.granted === true,
    );
  }
}

const WORDS = { api_key: 'API key', session: 'session token' };
const REMEDIES = { api_key: 'Use another key.', session: 'Log in again.' };
