import { DomainError } from '../common/domain-error';

/**
 * Somebody asked to cancel the operation, or cancelled what it stands for elsewhere: work that throws this ends as
 * cancelled. The remark goes into the reason that those who watch read.
 */
export class OperationCancelled extends DomainError {
  readonly code = 'operation_cancelled';
  readonly kind = 'conflict';
  constructor(readonly remark: string | null = null) {
    super(remark ?? 'The operation was cancelled');
  }
}

/** The run took longer than the policy of its type allows. */
export class OperationTimedOut extends DomainError {
  readonly code = 'operation_timeout';
  readonly kind = 'timeout';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(timeoutMs: number) {
    super(`The operation took longer than ${timeoutMs / 1000} s and was stopped`);
    this.details = { timeout_seconds: timeoutMs / 1000 };
  }
}

/** This worker process shuts down; another one goes on with the operation. */
export class WorkerStopping extends DomainError {
  readonly code = 'worker_stopping';
  readonly kind = 'unavailable';
  constructor() {
    super('The worker is shutting down; the operation goes on elsewhere');
  }
}
