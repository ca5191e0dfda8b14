import type { FastifyRequest } from 'fastify';

/** The token of an `Authorization: Bearer` header; null where there is none. */
export function bearerToken(request: FastifyRequest): string | null {
  const [scheme, token, ...rest] = (request.headers.authorization ?? '').trim().split(/\s+/);
  return /^bearer$/i.test(scheme) && token && rest.length === 0 ? token : null;
}

/**
 * The credential that a request brings: a bearer token wins over `X-API-Key`, so that a wrong token is never covered
 * up by a key; `?token=` comes last, and only where `inQuery` allows it.
 */
export function presentedSecret(request: FastifyRequest, inQuery = false): string | null {
  if (request.headers.authorization !== undefined) return bearerToken(request);
  const key = request.headers['x-api-key'];
  if (typeof key === 'string' && key !== '') return key.trim();
  const token = inQuery ? (request.query as Record<string, unknown>).token : null;
  return typeof token === 'string' && token !== '' ? token : null;
}
