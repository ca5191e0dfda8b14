import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from './clock';
import { DomainError } from './domain-error';
import { linger } from './linger';
import { errorBodyOf, foreseen, type FieldProblem, type Problem, problem, statusOf } from './problem';

/** A request body, query or path that breaks its DTO. Answered as 422 with one entry for each broken rule. */
export class InvalidRequest extends Error {
  constructor(readonly fields: FieldProblem[]) {
    super(fields.map((field) => `${field.loc.join('.')}: ${field.msg}`).join('; '));
  }
}

const CODES: Record<number, string> = {
  400: 'bad_request',
  404: 'route_not_found',
  405: 'method_not_allowed',
  413: 'body_too_large',
  415: 'unsupported_media_type',
};
/** Where the words of Fastify do not say what to do. */
const WORDS: Record<number, string> = {
  413: 'The body of the request is too large. Send less at once, or a file (POST /v1/graphs/{graph_id}/files)',
  415: 'Send the body as JSON, with the header Content-Type: application/json',
};
/** Of lists and objects in each other in a body. Nothing here needs nearly as much, and deeper ones exhaust the stack. */
const DEEPEST = 500;

/** Turns every failure of a request into one shape: `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  constructor(private readonly clock: Clock) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const error = foreseen(thrown) ?? thrown;
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const document = this.documentOf(error, request);
    if (document.status >= 500) this.report(error, `${request.method} ${request.url.split('?')[0]} [${request.id}]`);
    // The answer has begun (a stream): its writer reports the failure inside it.
    if (reply.sent || reply.raw.headersSent) return;
    if (error instanceof DomainError && error.retryAfterSeconds !== undefined) {
      void reply.header('retry-after', String(error.retryAfterSeconds));
    }
    if (document.status === 413) linger(request, reply);
    if (document.status === 401) void reply.header('www-authenticate', 'Bearer, ApiKey');
    void reply.status(document.status).type('application/problem+json').send(JSON.stringify(document));
  }

  /** What was foreseen needs no stack, and what a client asked for in vain (501) no line at all. */
  private report(error: unknown, request: string): void {
    if (!(error instanceof DomainError) || error.kind === 'internal') this.logger.error(request, stackOf(error));
    else if (error.kind !== 'not_implemented') this.logger.warn(`${request}: ${wordsOf(error)}`);
  }

  private documentOf(error: unknown, request: FastifyRequest): Problem {
    const context = { requestId: request.id, now: this.clock.now() };
    if (error instanceof InvalidRequest) return problem(422, 'invalid_request', error.fields, context);
    if (error instanceof DomainError) {
      return problem(statusOf(error.kind), error.code, error.message, context, error.details);
    }
    const status = error instanceof HttpException ? error.getStatus() : statusOfFastifyError(error);
    if (status !== undefined && status < 500) {
      const words = WORDS[status] ?? (error as Error).message;
      return problem(status, CODES[status] ?? 'request_refused', words, context);
    }
    if (error instanceof RangeError && isTooDeep(request.body)) {
      const field = { loc: ['body'], msg: `must not be nested deeper than ${DEEPEST} times`, type: 'too_deep' };
      return problem(422, 'invalid_request', [field], context);
    }
    const body = errorBodyOf(error);
    return problem(500, body.code, body.message, context);
  }
}

function isTooDeep(body: unknown): boolean {
  let level = [body];
  for (let depth = 0; depth <= DEEPEST; depth += 1) {
    level = level.flatMap((value): unknown[] =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
    if (level.length === 0) return false;
  }
  return true;
}

/** Fastify's own refusals (malformed JSON, too large a body) carry their status. */
function statusOfFastifyError(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** With those of its cause, which its receiver does not see. */
function wordsOf({ message, cause }: Error): string {
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
