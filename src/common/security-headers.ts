import helmet from '@fastify/helmet';
import { fastify } from 'fastify';

/**
 * The headers that helmet adds to answers. They are the same for all of them, so it is asked once: put together for every
 * request they cost more than its routing.
 */
export async function securityHeaders(): Promise<Record<string, string>> {
  const probe = fastify();
  await probe.register(helmet);
  let headers: Record<string, string> = {};
  probe.get('/', (_, reply) => {
    headers = reply.raw.getHeaders() as Record<string, string>;
    return '';
  });
  await probe.inject('/');
  await probe.close();
  return { ...headers };
}
