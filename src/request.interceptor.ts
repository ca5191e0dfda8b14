import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor';
import { RateLimitInterceptor } from './limits/rate-limit.interceptor';
import { PreferWaitInterceptor } from './operations/prefer-wait.interceptor';

/**
 * What stands before every handler, the outer one first: what is refused by its rate has not happened, and a repeated
 * request waits for what its first sending began. Most requests just pass, and Nest would wrap each of the three in
 * several observables all the same, so to Nest they are one.
 */
@Injectable()
export class RequestInterceptor implements NestInterceptor {
  constructor(
    private readonly rateLimit: RateLimitInterceptor,
    private readonly preferWait: PreferWaitInterceptor,
    private readonly idempotency: IdempotencyInterceptor,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const once = { handle: () => this.idempotency.intercept(context, next) as Observable<object> };
    const answered = { handle: () => this.preferWait.intercept(context, once) };
    return this.rateLimit.intercept(context, answered);
  }
}
