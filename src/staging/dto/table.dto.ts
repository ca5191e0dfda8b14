import { ApiProperty } from '@nestjs/swagger';
import type { Json } from '@duckdb/node-api';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, Max, Min } from 'class-validator';
import { Text } from '../../common/text';
import type { GraphSchema } from '../../schemas/graph-schema';
import type { QueryResult } from '../duckdb/messages';
import { preparePlan } from '../prepare-plan';
import { graphPrefix } from '../staged-file.entity';
import type { TableTotals } from '../staging.repository';

export class TableInfo {
  @ApiProperty()
  table_name: string;
  @ApiProperty({ enum: ['node', 'relationship'] })
  kind: string;
  @ApiProperty({ description: 'rows of all staged files, before they are checked' })
  row_count: number;
  @ApiProperty()
  file_count: number;
  @ApiProperty()
  total_size_bytes: number;
  @ApiProperty({ nullable: true, type: String })
  s3_location: string | null;
  @ApiProperty({ type: [Object], description: 'what the files of the table should have' })
  columns: { name: string; type: string; required: boolean }[];
}

export class TableListResponse {
  @ApiProperty({ type: [TableInfo] })
  tables: TableInfo[];
  @ApiProperty()
  total_count: number;
}

export class TableQueryRequest {
  @ApiProperty()
  @Text({ max: 100_000, multiline: true })
  sql: string;

  @ApiProperty({ required: false, nullable: true, type: [Object] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1000)
  parameters?: Json[] | null;

  @ApiProperty({ required: false, default: 1_000, maximum: 10_000, description: 'rows in one answer' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10_000)
  limit?: number = 1_000;

  @ApiProperty({ required: false, default: 0, description: 'rows to skip; sort them for pages that fit together' })
  @IsOptional()
  @IsInt()
  @Min(0)
  offset?: number = 0;
}

export class TableQueryResponse {
  @ApiProperty({ type: [String] })
  columns: string[];
  @ApiProperty({ type: [String], description: "DuckDB's names of their types" })
  column_types: string[];
  @ApiProperty({ type: [Array], description: 'values by column; whole numbers beyond 2^53 and decimals are text' })
  rows: Json[][];
  @ApiProperty()
  row_count: number;
  @ApiProperty({ description: 'whether there are more rows' })
  truncated: boolean;
  @ApiProperty({ type: Number, nullable: true, description: 'the offset of the next page; null on the last one' })
  next_offset: number | null;
  @ApiProperty()
  execution_time_ms: number;
}

export function toTableQueryResponse(result: QueryResult, offset: number): TableQueryResponse {
  const { columns, rows, truncated, executionMs } = result;
  return {
    columns: columns.map(({ name }) => name),
    column_types: columns.map(({ type }) => type),
    rows,
    row_count: rows.length,
    truncated,
    next_offset: truncated ? offset + rows.length : null,
    execution_time_ms: executionMs,
  };
}

/** One entry for each type of the schema, whether or not a file was staged for it. */
export function toTableList(graphId: string, schema: GraphSchema, staged: TableTotals[]): TableListResponse {
  const tables = preparePlan(schema).map(({ table, kind, columns }) => {
    const totals = staged.find(({ tableName }) => tableName === table);
    return {
      table_name: table,
      kind,
      row_count: totals?.rows ?? 0,
      file_count: totals?.files ?? 0,
      total_size_bytes: totals?.bytes ?? 0,
      s3_location: totals ? `${graphPrefix(graphId)}files/` : null,
      columns: columns.map(({ name, type, required }) => ({ name, type, required })),
    };
  });
  return { tables, total_count: tables.length };
}
