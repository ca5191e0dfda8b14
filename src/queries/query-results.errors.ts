import { DomainError } from '../common/domain-error';

/** There is no such statement among this graph's. */
export class QueryResultNotFound extends DomainError {
  readonly code = 'query_result_not_found';
  readonly kind = 'not_found';
  constructor(operationId: string) {
    super(`Operation ${operationId} is no query of this graph`);
  }
}

export class QueryResultExpired extends DomainError {
  readonly code = 'query_result_expired';
  readonly kind = 'not_found';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(operationId: string, expiredAt: Date) {
    super('The result of this query was kept until it expired. Run the query again');
    this.details = { operation_id: operationId, expired_at: expiredAt.toISOString() };
  }
}

/** The query waits, runs, failed or was cancelled; `details` say which, and why. */
export class QueryResultNotReady extends DomainError {
  readonly code: string;
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(operation: { id: string; status: string; error: unknown }) {
    const waiting = operation.status === 'pending' || operation.status === 'running';
    super(
      waiting
        ? 'The query has not ended. Watch its operation, and ask again'
        : `The query ended as ${operation.status} and has no result. Its operation says why`,
    );
    this.code = waiting ? 'query_not_finished' : 'query_without_result';
    this.details = { operation_id: operation.id, operation_status: operation.status, error: operation.error ?? null };
  }
}
