import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { untilClosed } from '../common/closed-signal';

/**
 * Answers with an event stream. `open` gets a signal that says when the client is gone; null from it means that nothing
 * is left to be sent (204). What it throws becomes a problem, since no header was sent yet.
 */
export async function replyWithStream(
  reply: FastifyReply,
  open: (gone: AbortSignal) => Promise<Readable | null>,
): Promise<void> {
  const stream = await open(untilClosed(reply));
  if (stream === null) return void reply.status(204).send();
  void reply
    .headers({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    .send(stream);
}
