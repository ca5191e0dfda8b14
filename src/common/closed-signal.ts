import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';

/** Aborts when the client goes away before the answer was sent. */
export function untilClosed(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** {@link untilClosed} as a parameter of a handler. */
export const ClosedSignal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  untilClosed(context.switchToHttp().getResponse<FastifyReply>()),
);
