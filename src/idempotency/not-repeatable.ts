import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

export const NOT_REPEATABLE = Symbol('not repeatable');
/** Where the OpenAPI document says the reason. */
export const NOT_REPEATABLE_EXTENSION = 'x-idempotency-key-ignored';

/** A POST route that ignores `Idempotency-Key`, and why. Every other POST route of a logged-in user heeds it. */
export function NotRepeatable(reason: string): MethodDecorator {
  return applyDecorators(SetMetadata(NOT_REPEATABLE, reason), ApiExtension(NOT_REPEATABLE_EXTENSION, reason));
}
