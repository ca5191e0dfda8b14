import { QueryFailedError } from 'typeorm';

/** Serialisation failure and deadlock: the only failures that a second run of the same work can cure. */
const WORTH_ANOTHER_RUN = new Set(['40001', '40P01']);

/** Whether the same transaction may succeed when it is run once more. */
export function isWorthAnotherRun(error: unknown): boolean {
  return WORTH_ANOTHER_RUN.has(sqlState(error) ?? '');
}

/** The SQLSTATE of a failed statement, such as 23505 for a unique violation. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof QueryFailedError)) return undefined;
  return (error.driverError as { code?: string }).code;
}
