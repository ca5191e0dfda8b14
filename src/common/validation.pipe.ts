import { type ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import type { FieldProblem } from './problem';
import { passesAtOnce } from './passes-at-once';
import { InvalidRequest } from './problem.filter';

const PLACES: Record<ArgumentMetadata['type'], string> = {
  body: 'body',
  query: 'query',
  param: 'path',
  custom: 'body',
};

/** Validates every DTO by its class-validator rules. Unknown fields are refused, so a misspelt option is never ignored. */
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      transform: true,
      exceptionFactory: (errors) => new InvalidRequest(errors.flatMap((error) => fieldProblems(error, []))),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype } = metadata;
    if (metatype !== undefined && passesAtOnce(metatype, value)) {
      return Object.assign(new metatype() as object, value);
    }
    try {
      return (await super.transform(value, metadata)) as unknown;
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error;
      throw new InvalidRequest(error.fields.map((field) => ({ ...field, loc: [PLACES[metadata.type], ...field.loc] })));
    }
  }
}

/** Flattens nested class-validator errors to one entry for each broken rule. */
export function fieldProblems(error: ValidationError, path: (string | number)[]): FieldProblem[] {
  const loc = [...path, /^\d+$/.test(error.property) ? Number(error.property) : error.property];
  const own = Object.entries(error.constraints ?? {}).map(([type, msg]) => ({ loc, msg, type }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldProblems(child, loc))];
}
