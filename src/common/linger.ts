import type { FastifyReply, FastifyRequest } from 'fastify';

const LONGEST_MS = 10_000;

/**
 * Reads on, and throws away, what a client still sends after it was refused. Without this the connection is reset under
 * its hands, and it never sees the answer that says why. Ends with the body, or after a while with the connection.
 */
export function linger(request: FastifyRequest, reply: FastifyReply): void {
  if (request.raw.complete) return;
  // Fastify asks for a close at once; Node closes by itself where the rest does not come.
  reply.removeHeader('connection');
  const timer = setTimeout(() => request.raw.destroy(), LONGEST_MS);
  timer.unref();
  request.raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  request.raw.resume();
}
