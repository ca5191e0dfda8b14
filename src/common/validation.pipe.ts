import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import type { FieldProblem } from './problem';
import { InvalidRequest } from './problem.filter';

/** Validates every DTO by its class-validator rules. Unknown fields are refused, so a misspelt option is never ignored. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    transform: true,
    exceptionFactory: (errors) => new InvalidRequest(errors.flatMap((error) => fieldProblems(error, ['body']))),
  });
}

/** Flattens nested class-validator errors to one entry for each broken rule. */
export function fieldProblems(error: ValidationError, path: (string | number)[]): FieldProblem[] {
  const loc = [...path, /^\d+$/.test(error.property) ? Number(error.property) : error.property];
  const own = Object.entries(error.constraints ?? {}).map(([type, msg]) => ({ loc, msg, type }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldProblems(child, loc))];
}
