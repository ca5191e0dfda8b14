import { ApiProperty } from '@nestjs/swagger';
import type { Json } from '@duckdb/node-api';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, Max, Min } from 'class-validator';
import { Text } from '../../common/text';
import type { QueryResult } from '../duckdb/messages';
import { type FileStatus, graphPrefix } from '../staged-file.entity';
import type { DroppedTable, TableView } from '../tables.service';
import { CsvOptionsDto, fromCsvOptions } from './csv-options.dto';

export class TableInfo {
  @ApiProperty()
  table_name: string;
  @ApiProperty({ enum: ['node', 'relationship'], nullable: true, description: 'null: the schema no longer has it' })
  kind: string | null;
  @ApiProperty({ description: 'rows of all staged files, before they are checked' })
  row_count: number;
  @ApiProperty({ description: 'staged files' })
  file_count: number;
  @ApiProperty({ description: 'of staged files, as they were uploaded' })
  total_size_bytes: number;
  @ApiProperty({ type: Object, description: 'all files by status' })
  files_by_status: Partial<Record<FileStatus, number>>;
  @ApiProperty({ nullable: true, type: String })
  s3_location: string | null;
  @ApiProperty({ type: [Object], description: 'what the files of the table should have' })
  columns: { name: string; type: string; required: boolean }[];
  @ApiProperty({ description: 'nodes or relationships of the type in the graph' })
  rows_in_graph: number;
  @ApiProperty({ description: 'the graph does not hold exactly the staged files of this table' })
  is_stale: boolean;
  @ApiProperty({ nullable: true, type: String, description: 'when somebody said how its files are read' })
  declared_at: string | null;
  @ApiProperty({ nullable: true, type: CsvOptionsDto })
  csv: CsvOptionsDto | null;
  @ApiProperty({ nullable: true, type: Object })
  column_mapping: object | null;
  @ApiProperty({ nullable: true, type: String })
  from_label: string | null;
  @ApiProperty({ nullable: true, type: String })
  to_label: string | null;
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

  @ApiProperty({
    required: false,
    nullable: true,
    description:
      'the materialization whose rejected rows are the table "rejects"; without it the last that rejected any',
  })
  @IsOptional()
  @Text({ max: 64 })
  rejects_of?: string | null;
}

export class TableQueryResponse {
  @ApiProperty({ type: [String] })
  columns: string[];
  @ApiProperty({ type: [String], description: "DuckDB's names of their types" })
  column_types: string[];
  @ApiProperty({
    type: 'array',
    items: { type: 'array', items: {} },
    description: 'values by column; whole numbers beyond 2^53 and decimals are text',
  })
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

export class DropTableResponse {
  @ApiProperty()
  status: string;
  @ApiProperty()
  table_name: string;
  @ApiProperty()
  message: string;
  @ApiProperty()
  files_removed: number;
  @ApiProperty({ description: 'rows of the staged ones' })
  rows_removed: number;
  @ApiProperty()
  graph_marked_stale: boolean;
}

export function toTableInfo(graphId: string, table: TableView): TableInfo {
  const staged = table.files.find(({ status }) => status === 'staged');
  const { csv, mapping, ends } = table.options;
  return {
    table_name: table.name,
    kind: table.kind,
    row_count: staged?.rows ?? 0,
    file_count: staged?.files ?? 0,
    total_size_bytes: staged?.bytes ?? 0,
    files_by_status: Object.fromEntries(table.files.map(({ status, files }) => [status, files])),
    s3_location: staged ? `${graphPrefix(graphId)}files/` : null,
    columns: table.columns.map(({ name, type, required }) => ({ name, type, required })),
    rows_in_graph: table.rowsInGraph,
    is_stale: table.isStale,
    declared_at: table.declaredAt?.toISOString() ?? null,
    csv: csv ? fromCsvOptions(csv) : null,
    column_mapping: mapping ?? null,
    from_label: ends?.from ?? null,
    to_label: ends?.to ?? null,
  };
}

export function toDropTableResponse(name: string, { files, markedStale }: DroppedTable): DropTableResponse {
  const kept = markedStale ? '; the graph keeps their rows until it is materialized again' : '';
  return {
    status: 'dropped',
    table_name: name,
    message: `${files.length} files were removed from ${name}${kept}`,
    files_removed: files.length,
    rows_removed: files.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0),
    graph_marked_stale: markedStale,
  };
}
