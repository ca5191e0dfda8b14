import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from 'typeorm';

/** One sending's right to carry a request out: the row of its key, and how far the request has come. */
export class Claim {
  /** Whether a transaction of the request has committed, and the key's mark with it. */
  carriedOut = false;
  /** Whether the request is over; what it left running in the background belongs to it no more. */
  over = false;
  /** The operation that a transaction begins; one that is rolled back takes its note along. */
  readonly begun = new WeakMap<EntityManager, string>();

  constructor(
    readonly userId: string,
    readonly route: string,
    readonly keyHash: Buffer,
    readonly id: string,
  ) {}
}

const current = new AsyncLocalStorage<Claim>();

/** Runs `work` as the request that holds the claim: transactions below it mark its key. */
export function withClaim<T>(claim: Claim, work: () => T): T {
  return current.run(claim, work);
}

/** The claim of the request that this code runs for, until a transaction of that request has marked its key. */
export function unmarkedClaim(): Claim | null {
  const claim = current.getStore();
  return claim === undefined || claim.carriedOut || claim.over ? null : claim;
}

/** Notes what a request begins, so that its repeats find the operation even where the answer was lost. */
export function noteBegun(em: EntityManager, operationId: string): void {
  unmarkedClaim()?.begun.set(em, operationId);
}
