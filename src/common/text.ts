import { Transform } from 'class-transformer';
import { registerDecorator, type ValidationArguments } from 'class-validator';
import { applyDecorators } from '@nestjs/common';

export interface TextOptions {
  /** Longest allowed length, in characters. */
  max: number;
  /** Shortest allowed length, blanks at the ends not counted. Default 1. */
  min?: number;
  /** Lets line feeds, carriage returns and tabs pass. */
  multiline?: boolean;
  /** Removes blanks at both ends before the check. */
  trim?: boolean;
  /** The property is an array of texts. */
  each?: boolean;
}

const CONTROL = /\p{Cc}/u;
const CONTROL_BUT_LAYOUT = /(?![\t\n\r])\p{Cc}/u;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A string that Postgres and JSON can hold as it is: within its length, without control characters (a null byte makes
 * Postgres fail) and without half a surrogate pair (which UTF-8 cannot carry). Use it instead of `@IsString()`.
 */
export function Text(options: TextOptions): PropertyDecorator {
  const check: PropertyDecorator = (target, property) =>
    registerDecorator({
      name: 'text',
      target: target.constructor,
      propertyName: String(property),
      options: { each: options.each },
      validator: {
        validate: (value: unknown) => textProblem(value, options) === undefined,
        defaultMessage: (found?: ValidationArguments) => `${found?.property} ${describe(found?.value, options)}`,
      },
    });
  return options.trim
    ? applyDecorators(
        Transform(({ value }) => trimmed(value)),
        check,
      )
    : check;
}

/** What is wrong with a value, in words that follow its name; undefined when nothing is. */
export function textProblem(value: unknown, { max, min = 1, multiline }: TextOptions): string | undefined {
  if (typeof value !== 'string') return 'must be a text';
  if (value.length > max) return `must have at most ${max} characters`;
  if (value.trim().length < min) return min === 1 ? 'must not be empty' : `must have at least ${min} characters`;
  if (LONE_SURROGATE.test(value)) return 'must be well-formed Unicode';
  if ((multiline ? CONTROL_BUT_LAYOUT : CONTROL).test(value)) return 'must not contain control characters';
  return undefined;
}

function describe(value: unknown, options: TextOptions): string {
  if (!options.each || !Array.isArray(value)) return textProblem(value, options) ?? 'is not valid';
  const bad = value.findIndex((item) => textProblem(item, options) !== undefined);
  return `${textProblem(value[bad], options) ?? 'is not valid'} (item ${bad})`;
}

function trimmed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(trimmed);
  return typeof value === 'string' ? value.trim() : value;
}
