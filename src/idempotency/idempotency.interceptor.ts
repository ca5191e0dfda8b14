import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { AccessRequest } from '../auth/access';
import { InvalidRequest } from '../common/problem.filter';
import { Claim, withClaim } from './claim';
import { type CarriedOut, IdempotencyKeys, type Sending } from './idempotency-keys';
import { IdempotencyOutcomeUnknown } from './idempotency.errors';
import { LostAnswers } from './lost-answers';
import { HEEDED_METHODS, NOT_REPEATABLE, type Unrepeatable } from './not-repeatable';
import { KeySecrets } from './sealed-answer';

const HEEDED = new Set<string>(HEEDED_METHODS.map((method) => method.toUpperCase()));
const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * `Idempotency-Key` on every POST, PATCH and DELETE of a logged-in user, but for routes that say `@NotRepeatable(why)`: the
 * request is carried out once, and its repeats get the first answer again. PUT is repeatable by nature; among such routes is
 * the upload of a file, whose bytes are streamed to storage, and to compare them one would have to read them first.
 *
 * A refused or failed request that has changed nothing does not use its key up.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor<unknown, unknown> {
  private readonly logger = new Logger(IdempotencyInterceptor.name);

  constructor(
    private readonly keys: IdempotencyKeys,
    private readonly lostAnswers: LostAnswers,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<AccessRequest>();
    const key = request.headers['idempotency-key'];
    const unrepeatable = this.reflector.get<Unrepeatable | undefined>(NOT_REPEATABLE, context.getHandler());
    const ignored = !HEEDED.has(request.method) || (unrepeatable && !unrepeatable.unless?.(request));
    // Nobody is known on public routes (registration), so there is nobody whose key it could be.
    if (key === undefined || ignored || request.actor === undefined) return next.handle();
    return from(this.once(requireKey(key), request.actor.userId, request, http.getResponse<FastifyReply>(), next));
  }

  private async once(
    key: string,
    userId: string,
    request: FastifyRequest,
    reply: FastifyReply,
    next: CallHandler<unknown>,
  ): Promise<unknown> {
    const [path, query = ''] = request.url.split('?');
    const route = `${request.method} ${path}`;
    const secrets = new KeySecrets(key, `${userId} ${route}`);
    const requestHash = secrets.hashOf(`${query}\n${JSON.stringify(request.body ?? null)}`);
    const sending: Sending = { userId, route, keyHash: secrets.hash, requestHash };
    const taken = await this.keys.take(sending);
    if (taken instanceof Claim) return this.carryOut(taken, secrets, reply, next);
    const body = await this.again(taken, secrets, request, reply);
    void reply.header('idempotency-replayed', 'true');
    return body;
  }

  private async carryOut(
    claim: Claim,
    secrets: KeySecrets,
    reply: FastifyReply,
    next: CallHandler<unknown>,
  ): Promise<unknown> {
    let body: unknown;
    try {
      body = await withClaim(claim, () => lastValueFrom(next.handle(), { defaultValue: undefined }));
    } catch (error) {
      await this.keys.giveUp(claim).catch((also: Error) => this.logger.warn(`A key stays taken: ${also.message}`));
      throw error;
    } finally {
      claim.over = true;
    }
    // What was done is done: its sender hears of it even where a repeat could not.
    const kept = await this.keys
      .keep(claim, secrets.seal({ status: reply.statusCode, body }))
      .catch((error: Error) => void this.logger.warn(`An answer is not kept: ${error.message}`));
    if (kept === false) this.logger.warn(`${claim.route} took so long that another sending of it took over`);
    return body;
  }

  private async again(
    { answer, operationId, carriedOutAt }: CarriedOut,
    secrets: KeySecrets,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    if (answer !== null) {
      const { status, body } = secrets.open(answer);
      void reply.status(status);
      return body;
    }
    const made = operationId === null ? null : await this.lostAnswers.find(operationId);
    if (made === null) throw new IdempotencyOutcomeUnknown(carriedOutAt, listAbove(request));
    return made;
  }
}

function requireKey(header: string | string[]): string {
  if (typeof header === 'string' && KEY.test(header)) return header;
  const msg = 'must be 1 to 255 visible ASCII characters';
  throw new InvalidRequest([{ loc: ['header', 'idempotency-key'], msg, type: 'idempotency_key' }]);
}

/** The nearest path, from the request's own upwards, that can be read. */
function listAbove(request: FastifyRequest): string | null {
  const pattern = (request.routeOptions.url ?? '').split('/');
  const path = request.url.split('?')[0].split('/');
  for (let length = pattern.length; length > 1; length -= 1) {
    const url = pattern.slice(0, length).join('/');
    if (request.server.hasRoute({ method: 'GET', url })) return path.slice(0, length).join('/');
  }
  return null;
}
