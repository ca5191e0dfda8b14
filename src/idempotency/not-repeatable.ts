import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

/** Requests that change something each time; PUT is repeatable by nature. */
export const HEEDED_METHODS = ['post', 'patch', 'delete'] as const;
export const NOT_REPEATABLE = Symbol('not repeatable');
/** Where the OpenAPI document says the reason. */
export const NOT_REPEATABLE_EXTENSION = 'x-idempotency-key-ignored';

export interface Unrepeatable {
  reason: string;
  /** Requests to the route that heed the key all the same. */
  unless?: (request: FastifyRequest) => boolean;
}

/** A route that ignores `Idempotency-Key`, and why. Every other POST, PATCH and DELETE route of a logged-in user heeds it. */
export function NotRepeatable(reason: string, unless?: Unrepeatable['unless']): MethodDecorator {
  const unrepeatable: Unrepeatable = { reason, unless };
  return applyDecorators(SetMetadata(NOT_REPEATABLE, unrepeatable), ApiExtension(NOT_REPEATABLE_EXTENSION, reason));
}
