/** Why a request or an operation was turned down; one HTTP status each (see `problem.ts`). */
export type ErrorKind =
  | 'bad_request'
  | 'unauthenticated'
  | 'payment_required'
  | 'forbidden'
  | 'not_found'
  | 'timeout'
  | 'conflict'
  | 'too_large'
  | 'unsupported_media'
  | 'range_not_satisfiable'
  | 'invalid'
  | 'too_many'
  | 'internal'
  | 'not_implemented'
  | 'unavailable';

/**
 * A failure that its receiver can understand: `code` is stable, the message says what to do next and holds nothing
 * internal. Everything else that is thrown becomes an "internal" problem with the words kept in the log only.
 */
export abstract class DomainError extends Error {
  abstract readonly code: string;
  abstract readonly kind: ErrorKind;
  /** Seconds until another try may help; sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Further members of the problem document, such as the id of a blocking operation. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Whether a worker may try the same operation again (a lost engine process, a reset connection). */
  readonly retryable: boolean = false;
}
