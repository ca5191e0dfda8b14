import { types } from 'node:util';
import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { DomainError } from './domain-error';

/** Lost connections, by their Node codes and by the SQLSTATEs of a database that goes away or comes back. */
const PASSING =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EAI_AGAIN|UND_ERR_SOCKET|08...|25P03|57P0[123]|53300)$/;
/** What node-postgres throws, without a code, when the server goes away under a statement or before the next one. */
const LOST_UNDER_A_STATEMENT =
  /^Connection terminated|^Client .* is not queryable$|^timeout exceeded when trying to connect$/;
/** What TypeORM throws at the next statement of a transaction from which it has taken the lost connection. */
const TAKEN_AWAY = [QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError];

/** The database, or another server that the platform needs, is away: for as long as a restart takes, or longer. */
export class ServiceUnavailable extends DomainError {
  readonly code = 'service_unavailable';
  readonly kind = 'unavailable';
  override readonly retryAfterSeconds = 2;
  override readonly retryable = true;
  constructor(cause: unknown) {
    super('The platform cannot reach its database or its store at the moment. Try again in a few seconds');
    this.cause = cause;
  }
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
