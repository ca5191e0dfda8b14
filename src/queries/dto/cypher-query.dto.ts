import { IsBooleanString, IsIn, IsInt, IsObject, IsOptional, Max, Min } from 'class-validator';
import { Type } from 'class-transformer';
import { Text } from '../../common/text';

const MAX_STATEMENT = 50_000;
export const DEFAULT_TIMEOUT_SECONDS = 60;

export class CypherQueryDto {
  @Text({ max: MAX_STATEMENT, multiline: true })
  query: string;

  /** Values of the statement's `$names`. */
  @IsOptional()
  @IsObject()
  parameters?: Record<string, unknown> | null;

  /** Seconds until the query is stopped; more than the graph's tier allows counts as that. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(3_600)
  timeout?: number | null;
}

export class QueryOptionsDto {
  @IsOptional()
  @IsIn(['auto', 'sync', 'async', 'stream'])
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

/** Which rows of a stored result. */
export class ResultPageDto {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  offset: number = 0;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(10_000)
  limit: number = 1_000;
}

const RESULT_FORMATS = ['ndjson', 'csv', 'arrow'] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];

export class ResultDownloadDto {
  @IsOptional()
  @IsIn(RESULT_FORMATS)
  format: ResultFormat = 'ndjson';
}
