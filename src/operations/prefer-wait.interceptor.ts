import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mergeMap, type Observable } from 'rxjs';
import { toOperationDto } from './dto/operation.dto';
import { OperationsService } from './operations.service';

/** Proxies give up on a silent connection after a minute or so. */
const LONGEST_SECONDS = 50;

/**
 * `Prefer: wait=N` (RFC 7240) on a route that begins an operation: the answer comes when the operation has ended, with its
 * result or error, or after N seconds as it is then.
 */
@Injectable()
export class PreferWaitInterceptor implements NestInterceptor<object, object> {
  constructor(private readonly operations: OperationsService) {}

  intercept(context: ExecutionContext, next: CallHandler<object>): Observable<object> {
    const http = context.switchToHttp();
    const seconds = wantedSeconds(http.getRequest<FastifyRequest>().headers.prefer);
    if (seconds === null) return next.handle();
    return next.handle().pipe(mergeMap((started) => this.ended(started, seconds, http.getResponse<FastifyReply>())));
  }

  private async ended(started: object, seconds: number, reply: FastifyReply): Promise<object> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const { operation_id: id } = started as { operation_id: string };
    const operation = await this.operations.waitUntilEnded(id, seconds * 1_000, gone.signal);
    void reply.header('preference-applied', `wait=${seconds}`);
    return { ...started, ...toOperationDto(operation) };
  }
}

/** The N of `wait=N` among the preferences, at most {@link LONGEST_SECONDS}; other preferences are ignored, as they should be. */
function wantedSeconds(header: string | string[] | undefined): number | null {
  const preferences = [header ?? []].flat().join(',').split(',');
  const wait = preferences.map((one) => /^\s*wait\s*=\s*"?(\d{1,6})"?\s*$/i.exec(one)?.[1]).find((found) => found);
  return wait === undefined ? null : Math.min(Number(wait), LONGEST_SECONDS);
}
