import { createHash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../auth/actor';
import { InvalidRequest } from '../common/problem.filter';
import { IdempotencyKeyReused } from './operations.errors';

/** A request that its sender may repeat without doing it twice: same key and same body mean the same request. */
export interface RepeatableRequest {
  /** Method and path; the same key on another route is another request. */
  route: string;
  key: string;
  /** SHA-256 of the body. */
  hash: Buffer;
}

const KEEP_HOURS = 24;
const KEY = /^[\x21-\x7e]{1,255}$/;

/** The `Idempotency-Key` header of a request with what it is compared by, or null where there is none. */
export const Repeatable = createParamDecorator((_: unknown, context: ExecutionContext): RepeatableRequest | null => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !KEY.test(key)) {
    const msg = 'must be 1 to 255 visible ASCII characters';
    throw new InvalidRequest([{ loc: ['header', 'idempotency-key'], msg, type: 'idempotency_key' }]);
  }
  const hash = createHash('sha256')
    .update(JSON.stringify(request.body ?? null))
    .digest();
  return { route: `${request.method} ${request.url.split('?')[0]}`, key, hash };
});

/** Makes a repeated request find the operation that its first sending began. Keys are kept for 24 hours, per user. */
@Injectable()
export class Idempotency {
  /**
   * In the transaction that begins an operation: the id of the operation that the same request began before. Null: this
   * is the first time, and the key is taken; a concurrent twin waits here until this transaction ends. Throws
   * {@link IdempotencyKeyReused} (422) where the key came with another body.
   */
  async earlier(em: EntityManager, actor: Actor, request: RepeatableRequest | null): Promise<string | null> {
    if (request === null) return null;
    const id = [actor.userId, request.route, request.key];
    await em.query(
      'delete from idempotency_key where user_id = $1 and route = $2 and key = $3 and expires_at < now()',
      id,
    );
    const taken = await em.query<unknown[]>(
      `insert into idempotency_key (user_id, route, key, request_hash, expires_at)
       values ($1, $2, $3, $4, now() + make_interval(hours => ${KEEP_HOURS})) on conflict do nothing returning key`,
      [...id, request.hash],
    );
    if (taken.length > 0) return null;
    const [known] = await em.query<{ request_hash: Buffer; operation_id: string | null }[]>(
      'select request_hash, operation_id from idempotency_key where user_id = $1 and route = $2 and key = $3',
      id,
    );
    if (!known.request_hash.equals(request.hash)) throw new IdempotencyKeyReused(request.key);
    return known.operation_id;
  }

  /** Notes, in the same transaction, what the request began. */
  async note(em: EntityManager, actor: Actor, request: RepeatableRequest | null, operationId: string): Promise<void> {
    if (request === null) return;
    await em.query('update idempotency_key set operation_id = $4 where user_id = $1 and route = $2 and key = $3', [
      actor.userId,
      request.route,
      request.key,
      operationId,
    ]);
  }
}
