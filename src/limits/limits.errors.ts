import { DomainError } from '../common/domain-error';

export class RateLimited extends DomainError {
  readonly code = 'rate_limited';
  readonly kind = 'too_many';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(
    limit: number,
    override readonly retryAfterSeconds: number,
  ) {
    super(
      `More than ${limit} requests in a minute. Try again in ${retryAfterSeconds} s, send fewer, or ask the operator for more`,
    );
    this.details = { limit, window_seconds: 60 };
  }
}

/** One figure that is above its limit. */
export interface Exceeded {
  limit: string;
  table?: string;
  allowed: number;
  actual: number;
}

export class ContentTooLarge extends DomainError {
  readonly code = 'content_too_large';
  readonly kind = 'too_large';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(tier: string, exceeded: Exceeded[]) {
    const figures = exceeded.map(
      ({ limit, table, allowed, actual }) =>
        `${actual} ${table ? `rows in ${table}` : limit} where ${allowed} are allowed`,
    );
    super(
      `This is more than a graph of the tier ${tier} may hold: ${figures.join('; ')}. Load less, or use a larger tier`,
    );
    this.details = { tier, exceeded };
  }
}

export class StorageLimitReached extends DomainError {
  readonly code = 'storage_limit_reached';
  readonly kind = 'too_large';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(tier: string, limitGb: number, usedBytes: number, addedBytes: number) {
    super(
      `A graph of the tier ${tier} may use ${limitGb} GB with its staged files, and this would exceed it. ` +
        'Remove files that are no longer needed, or use a larger tier',
    );
    this.details = { tier, limit_gb: limitGb, used_bytes: usedBytes, added_bytes: addedBytes };
  }
}

export class FileCountReached extends DomainError {
  readonly code = 'file_limit_reached';
  readonly kind = 'too_large';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(tier: string, limit: number) {
    super(`A graph of the tier ${tier} may have ${limit} files. Remove some, or put more rows into one file`);
    this.details = { tier, limit };
  }
}

export class DailyLimitReached extends DomainError {
  readonly code = 'daily_limit_reached';
  readonly kind = 'too_many';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(
    what: string,
    limit: number,
    override readonly retryAfterSeconds: number,
  ) {
    super(`There were ${limit} ${what} of this graph in the last 24 hours, the most that its tier allows`);
    this.details = { limit };
  }
}
