import { randomBytes } from 'node:crypto';
import { DomainError } from '../common/domain-error';
import { type ErrorBody, errorBodyOf } from '../common/problem';
import type { AttemptError } from '../operations/operation.entity';
import { InvalidOperationPayload } from '../operations/operations.errors';
import { isRetryable } from './retry-policy';

/** Messages are for reading; what is longer than this is somebody's data. */
const LONGEST_MESSAGE = 4_000;

/** What is written down of a failed attempt: for those who watch, for operators, and for the log. */
export interface AttemptFailure {
  /** What users see; its details name the reference. */
  shown: ErrorBody;
  /** What is kept with the attempt. */
  kept: AttemptError;
  /** Stands in the line of the log that has the stack; null for a user's mistake, which needs no stack. */
  reference: string | null;
}

/** Describes what an attempt failed with. */
export function failureOf(cause: unknown): AttemptFailure {
  const { code, message, details } = errorBodyOf(cause);
  const reference = needsLook(cause) ? `err_${randomBytes(8).toString('hex')}` : null;
  const inner = clipped(cause instanceof Error ? cause.message : String(cause));
  const shown = clipped(message);
  return {
    shown: { code, message: shown, details: reference === null ? details : { ...details, reference } },
    kept: {
      class: cause instanceof Error ? cause.constructor.name : typeof cause,
      code,
      message: shown,
      ...(inner !== shown && { internal_message: inner }),
      ...(reference !== null && { reference }),
    },
    reference,
  };
}

/** Mistakes of users and timeouts are plain failures. What an operator may have to look at is kept as a dead letter. */
export function deadLetterReason(cause: unknown): string | undefined {
  if (cause instanceof InvalidOperationPayload) return 'invalid_payload';
  if (isRetryable(cause)) return 'attempts_used_up';
  return cause instanceof DomainError ? undefined : 'unexpected_error';
}

/** The stack of what was thrown, with those of its causes. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by ${stackOf(error.cause)}`;
}

function needsLook(cause: unknown): boolean {
  return deadLetterReason(cause) !== undefined;
}

function clipped(message: string): string {
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)} ...` : message;
}
