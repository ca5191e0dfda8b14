import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, MoreThan } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { Ids, UUID } from '../common/ids';
import { InvalidRequest } from '../common/problem.filter';
import { Transactor } from '../database/transactor';
import { AccessService } from './access.service';
import { type Actor, type Scope, SCOPES } from './actor';
import { ApiKey } from './api-key.entity';
import { AuthConfig } from './auth.config';
import { ApiKeyNotFound, ApiKeyRevoked, KeyGrantsTooMuch, TooManyApiKeys } from './auth.errors';
import { scopesCover } from './roles';
import { hashSecret, newApiKey, shownPrefix } from './secrets';

export interface ApiKeyInput {
  name: string;
  description?: string | null;
  /** Default: all that the creator's credential has. */
  scopes?: Scope[] | null;
  graphIds?: string[] | null;
  expiresAt?: Date | null;
}

/** A key that was just made; `secret` is never seen again. */
export interface IssuedKey {
  apiKey: ApiKey;
  secret: string;
}

/** Keys for programs: made, listed, renamed, rotated, revoked. Only ever one's own. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly access: AccessService,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly config: AuthConfig,
  ) {}

  /** Newest first, revoked and expired ones included. */
  list(actor: Actor): Promise<ApiKey[]> {
    return this.transactor.em.find(ApiKey, {
      where: { userId: actor.userId },
      order: { createdAt: 'DESC', id: 'ASC' },
    });
  }

  /** Makes a key that grants at most what the actor's own credential does. */
  async create(actor: Actor, input: ApiKeyInput): Promise<IssuedKey> {
    const scopes = SCOPES.filter((scope) => (input.scopes ?? actor.scopes).includes(scope));
    const beyond = scopes.find((scope) => !scopesCover(actor.scopes, scope));
    if (beyond) throw new KeyGrantsTooMuch(`it lacks the scope "${beyond}"`);
    if (input.expiresAt && input.expiresAt <= this.clock.now()) throw invalid('expires_at', 'must lie in the future');
    for (const graphId of input.graphIds ?? [])
      await this.access.require(actor, graphId, 'viewer', { whileSuspended: true });
    return this.transactor.run(async (em) => {
      await this.requireRoom(em, actor.userId);
      await this.requireNotLongerThanCreator(em, actor, input.expiresAt ?? null);
      const issued = await this.insert(em, actor.userId, { ...input, scopes });
      await this.record(em, actor, 'api_key.created', issued.apiKey);
      return issued;
    });
  }

  /** Inserts a key in the caller's transaction, without asking what its maker may grant. */
  async insert(em: EntityManager, userId: string, input: ApiKeyInput & { scopes: Scope[] }): Promise<IssuedKey> {
    const secret = newApiKey();
    const apiKey = em.create(ApiKey, {
      id: this.ids.uuid(),
      userId,
      name: input.name,
      description: input.description ?? null,
      prefix: shownPrefix(secret),
      keyHash: hashSecret(secret),
      scopes: input.scopes,
      graphIds: input.graphIds ?? null,
      isActive: true,
      createdAt: this.clock.now(),
      expiresAt: input.expiresAt ?? null,
      lastUsedAt: null,
    });
    await em.insert(ApiKey, apiKey);
    return { apiKey, secret };
  }

  /** Changes name and description. */
  async update(actor: Actor, id: string, changes: { name?: string; description?: string }): Promise<ApiKey> {
    return this.transactor.run(async (em) => {
      const apiKey = await this.lock(em, actor, id);
      const set = {
        ...(changes.name !== undefined && { name: changes.name }),
        ...(changes.description !== undefined && { description: changes.description }),
      };
      if (Object.keys(set).length === 0) return apiKey;
      await em.update(ApiKey, { id }, set);
      await this.record(em, actor, 'api_key.updated', apiKey);
      return Object.assign(apiKey, set);
    });
  }

  /** Makes a key worthless at once. Doing it twice does nothing more. */
  async revoke(actor: Actor, id: string): Promise<void> {
    await this.transactor.run(async (em) => {
      const apiKey = await this.lock(em, actor, id);
      if (!apiKey.isActive) return;
      await em.update(ApiKey, { id }, { isActive: false });
      await this.record(em, actor, 'api_key.revoked', apiKey);
    });
    this.access.forget();
  }

  /** Puts a new key in the place of one, with the same rights; the old one works for `overlapSeconds` more. */
  async rotate(actor: Actor, id: string, overlapSeconds: number): Promise<IssuedKey> {
    const now = this.clock.now();
    const issued = await this.transactor.run(async (em) => {
      const old = await this.lock(em, actor, id);
      if (!old.isActive || (old.expiresAt && old.expiresAt <= now)) throw new ApiKeyRevoked();
      const beyond = old.scopes.find((scope) => !scopesCover(actor.scopes, scope));
      if (beyond) throw new KeyGrantsTooMuch(`it lacks the scope "${beyond}"`);
      await this.requireNotLongerThanCreator(em, actor, old.expiresAt);
      const next = await this.insert(em, actor.userId, old);
      const ends = new Date(now.getTime() + overlapSeconds * 1000);
      const expiresAt = old.expiresAt && old.expiresAt < ends ? old.expiresAt : ends;
      await em.update(ApiKey, { id }, overlapSeconds === 0 ? { isActive: false } : { expiresAt });
      await this.record(em, actor, 'api_key.rotated', old);
      return next;
    });
    this.access.forget();
    return issued;
  }

  private async lock(em: EntityManager, actor: Actor, id: string): Promise<ApiKey> {
    const apiKey = UUID.test(id)
      ? await em.findOne(ApiKey, { where: { id, userId: actor.userId }, lock: { mode: 'pessimistic_write' } })
      : null;
    if (!apiKey) throw new ApiKeyNotFound();
    return apiKey;
  }

  private async requireRoom(em: EntityManager, userId: string): Promise<void> {
    await em.query(`select from app_user where id = $1 for update`, [userId]);
    const active = { userId, isActive: true };
    const count = await em.countBy(ApiKey, [
      { ...active, expiresAt: IsNull() },
      { ...active, expiresAt: MoreThan(this.clock.now()) },
    ]);
    if (count >= this.config.apiKeysPerUser) throw new TooManyApiKeys(this.config.apiKeysPerUser);
  }

  private async requireNotLongerThanCreator(em: EntityManager, actor: Actor, expiresAt: Date | null): Promise<void> {
    if (actor.apiKeyId === null) return;
    const creator = await em.findOneByOrFail(ApiKey, { id: actor.apiKeyId });
    if (creator.expiresAt && (expiresAt === null || expiresAt > creator.expiresAt)) {
      throw new KeyGrantsTooMuch(`it expires at ${creator.expiresAt.toISOString()}`);
    }
  }

  private record(em: EntityManager, actor: Actor, action: string, apiKey: ApiKey): Promise<void> {
    const details = { prefix: apiKey.prefix, scopes: apiKey.scopes, graph_ids: apiKey.graphIds };
    return this.audit.record(em, { actor, action, target: apiKey.id, details });
  }
}

function invalid(field: string, msg: string): InvalidRequest {
  return new InvalidRequest([{ loc: ['body', field], msg: `${field} ${msg}`, type: 'value_error' }]);
}
