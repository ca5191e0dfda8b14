import { foreseen } from '../common/problem';
import type { OperationPolicy } from '../operations/define-operation';

const LONGEST_WAIT_MS = 300_000;
const JITTER = 0.2;

/** Whether another try of the same thing may succeed. A user's mistake and a defect of ours stay what they are. */
export function isRetryable(error: unknown): boolean {
  return foreseen(error)?.retryable ?? false;
}

/** Wait before the attempt after this one: doubles each time, up to five minutes, with a fifth of jitter either way. */
export function backoffMs({ backoffMs: first }: OperationPolicy, attempt: number, random = Math.random()): number {
  const wait = Math.min(first * 2 ** (attempt - 1), LONGEST_WAIT_MS);
  return Math.round(wait * (1 + JITTER * (2 * random - 1)));
}
