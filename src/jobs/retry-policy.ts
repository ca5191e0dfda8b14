import { DomainError } from '../common/domain-error';
import type { OperationPolicy } from '../operations/define-operation';

const LONGEST_WAIT_MS = 300_000;
const JITTER = 0.2;

/** Lost connections, by their Node codes and by the SQLSTATEs of a database that goes away or comes back. */
const PASSING =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EAI_AGAIN|UND_ERR_SOCKET|08...|57P0[123]|53300)$/;

/** Whether another try of the same thing may succeed. A user's mistake and a defect of ours stay what they are. */
export function isRetryable(error: unknown): boolean {
  return error instanceof DomainError ? error.retryable : isConnectionError(error);
}

/** Whether a connection was lost or refused, at any depth of causes. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause, driverError } = error as Error & { code?: unknown; driverError?: unknown };
  if (typeof code === 'string' && PASSING.test(code)) return true;
  // node-postgres throws this without a code when the server goes away under a statement.
  if (/^Connection terminated/.test(error.message)) return true;
  return isConnectionError(cause) || isConnectionError(driverError);
}

/** Wait before the attempt after this one: doubles each time, up to five minutes, with a fifth of jitter either way. */
export function backoffMs({ backoffMs: first }: OperationPolicy, attempt: number, random = Math.random()): number {
  const wait = Math.min(first * 2 ** (attempt - 1), LONGEST_WAIT_MS);
  return Math.round(wait * (1 + JITTER * (2 * random - 1)));
}
