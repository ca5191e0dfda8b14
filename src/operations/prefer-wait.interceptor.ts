import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mergeMap, type Observable } from 'rxjs';
import { untilClosed } from '../common/closed-signal';
import { toOperationDto } from './dto/operation.dto';
import { isTerminal } from './operation-transitions';
import { OperationsService } from './operations.service';
import { preferredSeconds, type StartedOperation, STARTS_OPERATION } from './starts-operation';

/**
 * `Prefer: wait=N` (RFC 7240) on every route that says `@StartsOperation`: the answer comes when the operation has ended,
 * with its result or error, or after N seconds as it is then. It waits for news, without a connection to the database.
 *
 * It stands outside of idempotency: a repeated request waits for the operation that its first sending began.
 */
@Injectable()
export class PreferWaitInterceptor implements NestInterceptor<object, object> {
  constructor(
    private readonly operations: OperationsService,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler<object>): Observable<object> {
    const starts = this.reflector.get<StartedOperation | undefined>(STARTS_OPERATION, context.getHandler());
    const http = context.switchToHttp();
    const seconds = starts ? preferredSeconds(http.getRequest<FastifyRequest>().headers.prefer) : null;
    if (!starts || seconds === null) return next.handle();
    return next
      .handle()
      .pipe(mergeMap((answer) => this.later(starts, answer, seconds, http.getResponse<FastifyReply>())));
  }

  private async later(
    { waits }: StartedOperation,
    answer: object,
    seconds: number,
    reply: FastifyReply,
  ): Promise<object> {
    void reply.header('preference-applied', `wait=${seconds}`);
    const { operation_id: id } = answer as { operation_id: string | null };
    // A trial begins none.
    if (waits || id === null) return answer;
    const operation = await this.operations.waitUntilEnded(id, seconds * 1_000, untilClosed(reply));
    if (isTerminal(operation.status)) void reply.status(200);
    return { ...answer, ...toOperationDto(operation) };
  }
}
