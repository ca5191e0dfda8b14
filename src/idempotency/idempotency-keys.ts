import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Ids } from '../common/ids';
import { Transactor } from '../database/transactor';
import { Claim, unmarkedClaim } from './claim';
import { IdempotencyInProgress, IdempotencyKeyReused } from './idempotency.errors';

const KEEP_HOURS = 24;
/** A request takes milliseconds. One that says nothing for so long is dead, and the next sending may take over. */
const LEASE_SECONDS = 60;
/** Between the commit and the answer there is next to nothing to do. */
const ANSWER_SECONDS = 10;
/** Each new key makes room by removing more than itself, so that no sensor has to. */
const FORGET_AT_ONCE = 10;

/** One sending of a request that its sender may repeat. */
export interface Sending {
  userId: string;
  /** Method and path; the same key on another route is another request. */
  route: string;
  keyHash: Buffer;
  requestHash: Buffer;
}

/** What is known of a request that was carried out before. */
export interface CarriedOut {
  carriedOutAt: Date;
  operationId: string | null;
  /** Sealed; null where the process died before it could keep it. */
  answer: Buffer | null;
}

interface Row {
  request_hash: Buffer;
  carried_out_at: Date | null;
  operation_id: string | null;
  answer: Buffer | null;
  leased: boolean;
}

const OF_CLAIM = 'user_id = $1 and route = $2 and key_hash = $3 and claim = $4';

/**
 * The rows of idempotency keys. A key's mark commits with the writes of its request: a sending that lost its claim cannot
 * commit, and one that has committed cannot lose it. So a request is carried out at most once, whoever dies when.
 */
@Injectable()
export class IdempotencyKeys {
  constructor(
    private readonly tx: Transactor,
    private readonly ids: Ids,
  ) {
    tx.beforeEveryCommit((em) => this.mark(em));
  }

  /**
   * A claim, where this sending is to carry the request out, or what an earlier one did. Throws
   * {@link IdempotencyKeyReused} for another request and {@link IdempotencyInProgress} while an earlier sending is at it.
   */
  async take(sending: Sending): Promise<Claim | CarriedOut> {
    for (;;) {
      const claim = await this.claim(sending);
      if (claim !== null) return claim;
      const known = await this.find(sending);
      // Null: the earlier sending failed in between and gave its key back.
      if (known === null) continue;
      if (!known.request_hash.equals(sending.requestHash)) throw new IdempotencyKeyReused();
      const { answer, operation_id: operationId, carried_out_at: carriedOutAt } = known;
      if (carriedOutAt !== null && (answer !== null || !known.leased)) return { carriedOutAt, operationId, answer };
      throw new IdempotencyInProgress();
    }
  }

  /** Keeps the sealed answer. False where another sending has taken over, which only a request without writes allows. */
  async keep(claim: Claim, answer: Buffer): Promise<boolean> {
    const kept = await this.tx.em.query<unknown[]>(
      `with kept as (
         update idempotency_key set answer = $5, carried_out_at = coalesce(carried_out_at, now())
         where ${OF_CLAIM} returning 1
       ) select * from kept`,
      [...rowOf(claim), answer],
    );
    return kept.length > 0;
  }

  /** After a failure: forgets the key where nothing was done, so that the same request may be tried again. */
  async giveUp(claim: Claim): Promise<void> {
    await this.tx.em.query(
      `with forgotten as (
         delete from idempotency_key where ${OF_CLAIM} and carried_out_at is null
       ) update idempotency_key set lease_expires_at = now() where ${OF_CLAIM} and carried_out_at is not null`,
      rowOf(claim),
    );
  }

  /** As the last write of a transaction. No row: the claim is lost, or an earlier commit of unknown outcome was one. */
  private async mark(em: EntityManager): Promise<void> {
    const claim = unmarkedClaim();
    if (claim === null) return;
    const marked = await em.query<unknown[]>(
      `with marked as (
         update idempotency_key set carried_out_at = now(), operation_id = $5,
           lease_expires_at = now() + make_interval(secs => ${ANSWER_SECONDS})
         where ${OF_CLAIM} and carried_out_at is null returning 1
       ) select * from marked`,
      [...rowOf(claim), claim.begun.get(em) ?? null],
    );
    if (marked.length === 0) throw new IdempotencyInProgress();
    this.tx.afterCommit(em, () => (claim.carriedOut = true));
  }

  private async claim({ userId, route, keyHash, requestHash }: Sending): Promise<Claim | null> {
    const claim = new Claim(userId, route, keyHash, this.ids.uuid());
    const taken = await this.tx.em.query<unknown[]>(
      `with expired as (
         delete from idempotency_key where (user_id, route, key_hash) in (
           select user_id, route, key_hash from idempotency_key where expires_at < now() and key_hash <> $3
           order by expires_at limit ${FORGET_AT_ONCE} for update skip locked)
       )
       insert into idempotency_key as known (user_id, route, key_hash, claim, request_hash, lease_expires_at, expires_at)
       values ($1, $2, $3, $4, $5, now() + make_interval(secs => ${LEASE_SECONDS}),
         now() + make_interval(hours => ${KEEP_HOURS}))
       on conflict (user_id, route, key_hash) do update set claim = excluded.claim,
         request_hash = excluded.request_hash, lease_expires_at = excluded.lease_expires_at,
         expires_at = excluded.expires_at, carried_out_at = null, operation_id = null, answer = null
       where known.expires_at < now() or (known.carried_out_at is null and known.lease_expires_at < now())
       returning 1`,
      [...rowOf(claim), requestHash],
    );
    return taken.length > 0 ? claim : null;
  }

  private async find({ userId, route, keyHash }: Sending): Promise<Row | null> {
    const rows = await this.tx.em.query<Row[]>(
      `select request_hash, carried_out_at, operation_id, answer, lease_expires_at > now() as leased
       from idempotency_key where user_id = $1 and route = $2 and key_hash = $3`,
      [userId, route, keyHash],
    );
    return rows[0] ?? null;
  }
}

function rowOf({ userId, route, keyHash, id }: Claim): [string, string, Buffer, string] {
  return [userId, route, keyHash, id];
}
