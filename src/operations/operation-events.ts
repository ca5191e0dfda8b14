import type { ErrorBody } from '../common/problem';
import type { OperationProgress } from './operation.entity';
import type { OperationEventType } from './operation-transitions';

/** An event before it has its number: what happened, in the words of the wire. */
export interface NewEvent {
  readonly type: OperationEventType;
  readonly data: Record<string, unknown>;
}

/** Workers are named in attempts, for operators; those who watch learn only that one has begun. */
export function started(attempt: number): NewEvent {
  return {
    type: 'operation_started',
    data: { message: 'Started', progress_percent: 0, attempt },
  };
}

export function progressed({ percent, message, ...details }: OperationProgress): NewEvent {
  return {
    type: 'operation_progress',
    data: { ...details, message, progress_percent: percent, percentage: percent },
  };
}

export function completed(result: object, executionTimeMs: number): NewEvent {
  return {
    type: 'operation_completed',
    data: { message: 'Completed', result, execution_time_ms: executionTimeMs },
  };
}

/** `details` go to `error_details`, beside the code; `deadLetter` says that operators kept what is needed to retry. */
export function failed(error: ErrorBody, deadLetter: boolean): NewEvent {
  return {
    type: 'operation_error',
    data: {
      error: error.message,
      message: error.message,
      error_details: { ...error.details, code: error.code, dead_letter: deadLetter },
    },
  };
}

export function cancelled(reason: string): NewEvent {
  return { type: 'operation_cancelled', data: { message: 'Cancelled', reason } };
}

/** The attempt that ended is named; another one follows after `retryInMs`. */
export function retrying(
  attempt: number,
  reason: 'error' | 'worker_lost' | 'worker_shutdown',
  retryInMs: number,
  error: ErrorBody | null,
): NewEvent {
  return {
    type: 'operation_retrying',
    data: {
      message: RETRY_MESSAGES[reason],
      reason,
      attempt,
      retry_in_seconds: Math.round(retryInMs / 100) / 10,
      ...(error && { error: error.message, error_code: error.code }),
    },
  };
}

const RETRY_MESSAGES = {
  error: 'A passing failure stopped this attempt; another one follows',
  worker_lost: 'The worker was lost; another one goes on',
  worker_shutdown: 'The worker is shutting down; another one goes on',
};
