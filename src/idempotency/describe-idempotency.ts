import type { OpenAPIObject } from '@nestjs/swagger';
import { HEEDED_METHODS, NOT_REPEATABLE_EXTENSION } from './not-repeatable';

const HEADER = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Carries the request out once, however often it is sent within 24 hours; repeats get the first answer again',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
} as const;

/** Adds the header to every operation of an OpenAPI document that heeds it: each POST, PATCH and DELETE that a credential is needed for. */
export function describeIdempotency(document: OpenAPIObject): OpenAPIObject {
  for (const route of Object.values(document.paths).flatMap((path) => HEEDED_METHODS.map((method) => path[method]))) {
    if (route?.security && !(NOT_REPEATABLE_EXTENSION in route))
      route.parameters = [...(route.parameters ?? []), HEADER];
  }
  return document;
}
