import { STATUS_CODES } from 'node:http';
import { assertNever } from './assert-never';
import { DomainError, type ErrorKind } from './domain-error';
import { isConnectionError, ServiceUnavailable } from './lost-connection';

/** An RFC 9457 problem document with the members of the wire contract's error. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string | FieldProblem[];
  code: string;
  request_id: string;
  timestamp: string;
  [member: string]: unknown;
}

/** One invalid field: where it is, what is wrong, and the name of the broken rule. */
export interface FieldProblem {
  loc: (string | number)[];
  msg: string;
  type: string;
}

/** The HTTP status of each kind of failure. */
export function statusOf(kind: ErrorKind): number {
  switch (kind) {
    case 'bad_request':
      return 400;
    case 'unauthenticated':
      return 401;
    case 'payment_required':
      return 402;
    case 'forbidden':
      return 403;
    case 'not_found':
      return 404;
    case 'timeout':
      return 408;
    case 'conflict':
      return 409;
    case 'too_large':
      return 413;
    case 'unsupported_media':
      return 415;
    case 'range_not_satisfiable':
      return 416;
    case 'invalid':
      return 422;
    case 'too_many':
      return 429;
    case 'internal':
      return 500;
    case 'not_implemented':
      return 501;
    case 'unavailable':
      return 503;
    default:
      return assertNever(kind);
  }
}

/** What a failed operation stores and a failed request answers: code and message for users, nothing internal. */
export interface ErrorBody {
  code: string;
  message: string;
  details?: Readonly<Record<string, unknown>>;
}

/** What was thrown, as a failure that its receiver can understand; undefined for what nobody has foreseen. */
export function foreseen(error: unknown): DomainError | undefined {
  if (error instanceof DomainError) return error;
  return isConnectionError(error) ? new ServiceUnavailable(error) : undefined;
}

/** The public face of anything that was thrown. Unknown errors get a general text: their own words stay in the log. */
export function errorBodyOf(error: unknown): ErrorBody {
  const known = foreseen(error);
  if (known !== undefined) return { code: known.code, message: known.message, details: known.details };
  return {
    code: 'internal_error',
    message: 'Something went wrong on our side. Try again, and tell the operator if it stays.',
  };
}

/** Builds the document; `timestamp` in ISO 8601 UTC. */
export function problem(
  status: number,
  code: string,
  detail: Problem['detail'],
  context: { requestId: string; now: Date },
  members: Readonly<Record<string, unknown>> = {},
): Problem {
  return {
    ...members,
    type: `urn:graphstead:problem:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
    request_id: context.requestId,
    timestamp: context.now.toISOString(),
  };
}
