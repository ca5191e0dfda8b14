import { types } from 'node:util';
import { QueryFailedError, QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';

/** Serialisation failure and deadlock: the only failures that a second run of the same work can cure. */
const WORTH_ANOTHER_RUN = new Set(['40001', '40P01']);
/** Lost connections, by their Node codes and by the SQLSTATEs of a database that goes away or comes back. */
const PASSING =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EAI_AGAIN|UND_ERR_SOCKET|08...|25P03|57P0[123]|53300)$/;
/** What node-postgres throws, without a code, when the server goes away under a statement or before the next one. */
const LOST_UNDER_A_STATEMENT =
  /^Connection terminated|^Client .* is not queryable$|^timeout exceeded when trying to connect$/;
/** What TypeORM throws at the next statement of a transaction from which it has taken the lost connection. */
const TAKEN_AWAY = [QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError];

/** Whether the same transaction may succeed when it is run once more. */
export function isWorthAnotherRun(error: unknown): boolean {
  return WORTH_ANOTHER_RUN.has(sqlState(error) ?? '');
}

/** Whether a connection was lost, or could not be made, at any depth of causes. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error || types.isNativeError(error))) return false;
  const { code, syscall, cause, driverError } = error as Error & Partial<Record<string, unknown>>;
  if (typeof code === 'string' && PASSING.test(code)) return true;
  // A unix socket is not even there (ENOENT) while its server is down.
  if (syscall === 'connect' || LOST_UNDER_A_STATEMENT.test(error.message)) return true;
  if (TAKEN_AWAY.some((kind) => error instanceof kind)) return true;
  return isConnectionError(cause) || isConnectionError(driverError);
}

/** The SQLSTATE of a failed statement, such as 23505 for a unique violation. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof QueryFailedError)) return undefined;
  return (error.driverError as { code?: string }).code;
}
