import { IsBooleanString, IsIn, IsInt, IsObject, IsOptional, Max, Min } from 'class-validator';
import { Type } from 'class-transformer';
import { AsSent } from '../../common/as-sent';
import { hasOnly, PassesAtOnce } from '../../common/passes-at-once';
import { Text, textProblem } from '../../common/text';
import { pageOf } from '../../common/page.dto';

const STATEMENT = { max: 50_000, multiline: true };
const LONGEST_SECONDS = 3_600;
export const DEFAULT_TIMEOUT_SECONDS = 60;

@PassesAtOnce(({ query, parameters, timeout, ...rest }) => {
  if (textProblem(query, STATEMENT) !== undefined || Object.keys(rest).length > 0) return false;
  return holdsPlainValues(parameters) && (timeout === undefined || isTimeout(timeout));
})
export class CypherQueryDto {
  @Text(STATEMENT)
  query: string;

  /** Values of the statement's `$names`. */
  @IsOptional()
  @IsObject()
  @AsSent()
  parameters?: Record<string, unknown> | null;

  /** Seconds until the query is stopped; more than the graph's tier allows counts as that. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(LONGEST_SECONDS)
  timeout?: number | null;
}

const MODES = ['auto', 'sync', 'async', 'stream'];

@PassesAtOnce(
  (options) => hasOnly(options, ['mode']) && (!('mode' in options) || MODES.includes(options.mode as string)),
)
export class QueryOptionsDto {
  @IsOptional()
  @IsIn(MODES)
  mode?: 'auto' | 'sync' | 'async' | 'stream';

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100_000)
  chunk_size?: number;

  @IsOptional()
  @IsBooleanString()
  test_mode?: string;

  /** Answer with the plan of the statement instead of running it. */
  @IsOptional()
  @IsBooleanString()
  explain?: string;
}

/** The rules look through lists and objects, and leave out names that every object has. */
function holdsPlainValues(parameters: unknown): boolean {
  if (parameters === undefined) return true;
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) return false;
  return Object.entries(parameters).every(
    ([name, value]) =>
      (typeof value !== 'object' || value === null) && name !== 'prototype' && !(name in Object.prototype),
  );
}

function isTimeout(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LONGEST_SECONDS;
}

/** Which rows of a stored result. */
export class ResultPageDto extends pageOf({ limit: 1_000, most: 10_000 }) {}

const RESULT_FORMATS = ['ndjson', 'csv', 'arrow', 'parquet'] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];

export class ResultDownloadDto {
  @IsOptional()
  @IsIn(RESULT_FORMATS)
  format: ResultFormat = 'ndjson';
}
