import { DomainError } from '../common/domain-error';

export class IdempotencyKeyReused extends DomainError {
  readonly code = 'idempotency_key_reused';
  readonly kind = 'invalid';
  constructor() {
    super('This Idempotency-Key was used for another request. Send a new key with each new request');
  }
}

/** An earlier sending of the same request has not been answered yet. */
export class IdempotencyInProgress extends DomainError {
  readonly code = 'idempotency_in_progress';
  readonly kind = 'conflict';
  override readonly retryAfterSeconds = 1;
  constructor() {
    super('The first request with this Idempotency-Key is still being carried out; send it again in a second');
  }
}

/** The request was carried out, and then its process died before it could keep what it answered. */
export class IdempotencyOutcomeUnknown extends DomainError {
  readonly code = 'idempotency_outcome_unknown';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  /** `lookAt`: the path that lists what the request may have made; null where there is none. */
  constructor(carriedOutAt: Date, lookAt: string | null) {
    const look = lookAt === null ? '' : ` See GET ${lookAt} for what it did, and`;
    super(
      `The request with this Idempotency-Key was carried out once, at ${carriedOutAt.toISOString()}, ` +
        `but its answer was lost.${look || ' For another one,'} use a new key`,
    );
    this.details = { carried_out_at: carriedOutAt.toISOString(), look_at: lookAt };
  }
}
