import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Observable } from 'rxjs';
import type { AccessRequest } from '../auth/access';
import { RateLimited } from './limits.errors';
import { RateBudgets, type RateState, WINDOW_SECONDS } from './rate-budgets';

/**
 * Holds every request of a known caller against the rate of the organisation whose graph or operation it is about (else
 * against the caller's own), and says in RateLimit headers what is left. The first of all interceptors: what is refused
 * here has not happened.
 */
@Injectable()
export class RateLimitInterceptor implements NestInterceptor {
  constructor(private readonly budgets: RateBudgets) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const { actor, access } = http.getRequest<AccessRequest>();
    // A public route.
    if (actor === undefined || access === undefined) return next.handle();
    // Who reads a graph of others by a subscription does not use up what these have.
    const graph = access.graph?.role === 'reader' ? undefined : access.graph;
    const orgId = graph?.orgId ?? access.org?.id ?? access.operation?.orgId ?? null;
    const state = this.budgets.take(orgId, actor.userId);
    const reply = http.getResponse<FastifyReply>();
    if (state instanceof Promise) {
      return state.then((known) => {
        admit(known, reply);
        return next.handle();
      });
    }
    admit(state, reply);
    return next.handle();
  }
}

function admit({ allowed, limit, remaining, resetSeconds }: RateState, reply: FastifyReply): void {
  void reply.headers({
    'ratelimit-limit': limit,
    'ratelimit-remaining': remaining,
    'ratelimit-reset': resetSeconds,
    'ratelimit-policy': `${limit};w=${WINDOW_SECONDS}`,
  });
  if (!allowed) throw new RateLimited(limit, resetSeconds);
}
