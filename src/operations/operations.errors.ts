import { DomainError } from '../common/domain-error';

export class OperationNotFound extends DomainError {
  readonly code = 'operation_not_found';
  readonly kind = 'not_found';
  constructor(readonly operationId: string) {
    super(`Operation ${operationId} does not exist`);
  }
}

/** Somebody else is changing the same thing; the details name who, and where to watch them. */
export class OperationConflict extends DomainError {
  readonly code = 'operation_in_progress';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(blocking: { id: string; type: string }) {
    super(`Operation ${blocking.id} (${blocking.type}) is still changing this; wait for its end or cancel it`);
    this.details = {
      operation_id: blocking.id,
      operation_type: blocking.type,
      status_url: `/v1/operations/${blocking.id}/status`,
    };
  }
}

export class OperationEnded extends DomainError {
  readonly code = 'operation_ended';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(operationId: string, status: string) {
    super(`Operation ${operationId} has already ended (${status}) and cannot be cancelled`);
    this.details = { operation_id: operationId, status };
  }
}

export class OperationNotCancellable extends DomainError {
  readonly code = 'operation_not_cancellable';
  readonly kind = 'conflict';
  constructor(operationId: string, type: string) {
    super(`Operation ${operationId} (${type}) cannot be cancelled; wait for its end`);
  }
}

/** Only what failed or was cancelled can be done again. */
export class OperationNotFailed extends DomainError {
  readonly code = 'operation_not_failed';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(operationId: string, status: string) {
    const next = status === 'completed' ? 'send a new request instead' : 'wait for its end or cancel it first';
    super(`Operation ${operationId} did not fail, it is ${status}; ${next}`);
    this.details = { operation_id: operationId, status };
  }
}

/** Each operation is retried once; if that one fails as well, it is the one to retry. */
export class OperationRetried extends DomainError {
  readonly code = 'operation_retried';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(operationId: string, retriedAs: string) {
    super(`Operation ${operationId} was retried already, as operation ${retriedAs}; retry that one if it failed`);
    this.details = { operation_id: retriedAs, status_url: `/v1/operations/${retriedAs}/status` };
  }
}

/** What is needed to begin it again is not there: its type is of another version, or its payload was never good. */
export class OperationNotRepeatable extends DomainError {
  readonly code = 'operation_not_repeatable';
  readonly kind = 'conflict';
  constructor(operationId: string, why: string) {
    super(`Operation ${operationId} cannot be tried again: ${why}`);
  }
}

/** The payload breaks its own class: a mistake of the service that asked, or a row from a version that we do not know. */
export class InvalidOperationPayload extends DomainError {
  readonly code = 'invalid_operation_payload';
  readonly kind = 'internal';
  constructor(type: string, problems: string[]) {
    super(`The payload of this ${type} operation cannot be used: ${problems.slice(0, 10).join('; ')}`);
  }
}

/** A worker that no longer owns the operation tried to write. Nothing was written; the worker stops. */
export class StaleAttemptError extends DomainError {
  readonly code = 'stale_attempt';
  readonly kind = 'conflict';
  constructor(operationId: string, attempt: number) {
    super(`Attempt ${attempt} of operation ${operationId} is not the current one any more`);
  }
}

export class TooManyStreams extends DomainError {
  readonly code = 'too_many_streams';
  readonly kind = 'too_many';
  override readonly retryAfterSeconds = 5;
  constructor(limit: number) {
    super(`You already have ${limit} open event streams; close one and try again`);
  }
}
