import type { Json } from '@duckdb/node-api';
import type { QueryColumn } from '../../engine/graph-engine';
import type { EndPair, PropertyType, SaidEnds } from '../../schemas/graph-schema';

/** One column of a staged part, by DuckDB's name of its type. */
export interface StagedColumn {
  name: string;
  type: string;
}

export type FileFormat = 'csv' | 'json' | 'parquet';

/** Formats of dates and times in text, in the letters of strptime; without them ISO 8601 is read. */
export interface DateFormats {
  dateFormats?: string[];
  timestampFormats?: string[];
}

/** How a CSV is written, where its sender says so; the rest is found out. */
export interface CsvOptions extends DateFormats {
  delimiter?: string;
  quote?: string;
  escape?: string;
  header?: boolean;
  /** Names for a file without a header. */
  columnNames?: string[];
  /** Texts that are no value; without them an empty field is none. */
  nullValues?: string[];
  /** A label of the WHATWG encoding standard. */
  encoding?: string;
}

export interface CsvDialect {
  delimiter: string;
  quote: string;
  escape: string;
  header: boolean;
  columns: string[];
  /** Empty lines at the beginning. */
  skip: number;
}

/** What a file was found to be. */
export interface FileContent {
  format: 'csv' | 'json' | 'ndjson' | 'parquet';
  compression: 'none' | 'gzip' | 'zstd';
  encoding?: string;
  csv?: Pick<CsvDialect, 'delimiter' | 'quote' | 'escape' | 'header'>;
}

/** Turns one uploaded file into an immutable, typed Parquet part. */
export interface StageJob {
  task: 'stage';
  format: FileFormat;
  input: string;
  /** Where the part goes. A Parquet upload is its own part, so nothing is written for it. */
  output: string;
  /** Types by lower-case column name that the schema asks for; other columns stay text. */
  types: Record<string, PropertyType>;
  csv?: CsvOptions;
}

/** What one file may hold. */
export interface FileLimits {
  /** After undoing its compression. */
  maxInflatedBytes: number;
  maxRows: number;
}

export interface StageResult {
  rows: number;
  columns: StagedColumn[];
  /** False where the upload itself is the part. */
  written: boolean;
  content: FileContent;
}

/** A column that the graph's table has and where a part may keep it. */
export interface TargetColumn {
  name: string;
  type: PropertyType;
  /** `label`: says which of several pairs of node types a row joins; the engine has no such column. */
  role: 'key' | 'from' | 'to' | 'label' | 'property';
  required: boolean;
  /** The value of rows that bring none, as text. */
  default?: string;
  /** Lower-case names of part columns that may hold it; the first one present is taken. */
  sources: string[];
}

/** Source columns (lower case) and what they hold: the lower-case name of a column of the table, or null for nothing. */
export type ColumnMapping = Record<string, string | null>;

export interface PartRef extends DateFormats {
  fileId: string;
  fileName: string;
  path: string;
  mapping?: ColumnMapping;
  /** Node types at the ends of those rows of a relationship that do not say them. */
  ends?: SaidEnds;
}

/** One of the pairs of node types that a relationship joins, and how its rows are known. */
export interface PairRows extends EndPair {
  /** The columns that name the type at an end; what a row leaves open its file may say ({@link PartRef}). */
  fromLabel?: TargetColumn;
  toLabel?: TargetColumn;
  /** All pairs of the relationship, this one among them. */
  pairs: EndPair[];
  /** Whether the rows that join no pair, or may join several, are this one's to reject. */
  judges: boolean;
}

export interface PrepareTable {
  table: string;
  kind: 'node' | 'relationship';
  /** In the order that the engine wants: ends first, then properties. */
  columns: TargetColumn[];
  /** Node tables that the ends of a relationship point at. */
  from?: string;
  to?: string;
  /** Of a relationship, the pair whose rows are taken. */
  pair?: PairRows;
  /** Oldest first. Of two nodes with one key the one in the newer part counts; within one part the second is a fault. */
  parts: PartRef[];
  /** Parquet files with a column of the key's name: nodes that are in the graph already, for ends to point at. */
  knownKeys?: string[];
}

/** Checks staged parts and writes what a graph engine can load without looking again. */
export interface PrepareJob {
  task: 'prepare';
  /** Node tables before the relationships that need them. */
  tables: PrepareTable[];
  /** Gets `<table>.parquet` and `rejects/<table>.parquet`. */
  output: string;
}

/** Columns of a file that are missing, or that the schema does not know. */
export interface ColumnProblem {
  table: string;
  fileId: string;
  fileName: string;
  columns: string[];
}

export type RejectReason =
  | 'type_mismatch'
  | 'key_missing'
  | 'end_missing'
  | 'pair_unknown'
  | 'pair_ambiguous'
  | 'required_missing'
  | 'duplicate_key'
  | 'from_not_found'
  | 'to_not_found';

export interface RejectedRow {
  fileId: string;
  fileName: string;
  /** 1 is the first row of data; a CSV header is not counted. */
  row: number;
  reason: RejectReason;
  detail: string;
}

export interface PreparedTable {
  table: string;
  kind: 'node' | 'relationship';
  rowsLoaded: number;
  rowsRejected: number;
  /** Good rows whose key a newer part has again; they are neither loaded nor rejected. */
  rowsReplaced: number;
  reasons: Partial<Record<RejectReason, number>>;
  /** Typed Parquet for the engine, columns in the asked order. Empty where no row is left. */
  files: string[];
  /** The same for each pair of node types, where the relationship joins several. */
  pairs?: { from: string; to: string; files: string[]; rows: number }[];
  /** Parquet of the rejected rows: table_name, file_id, file_name, row, reason, detail, data (the row as JSON). */
  rejectsFile: string | null;
  /** The first of them, in the order of files and rows. */
  samples: RejectedRow[];
  /** Columns of the parts that the schema does not know. */
  ignoredColumns: string[];
}

export interface PrepareResult {
  tables: PreparedTable[];
  /** Columns that were left out, by file. */
  unknownColumns: ColumnProblem[];
}

export interface PrepareProgress {
  table: string;
  tablesDone: number;
  tablesTotal: number;
}

/** A staging table as statements of users see it. */
export interface QueryTable {
  table: string;
  /** Paths of its parts. */
  parts: string[];
  /** What it would have, where it has no part yet. */
  columns: Pick<TargetColumn, 'name' | 'type'>[];
}

/** Answers one SELECT of a user. */
export interface QueryJob {
  task: 'query';
  tables: QueryTable[];
  sql: string;
  /** By position. */
  parameters: Json[];
  /** The page: at most `limit` rows after `offset` ones, and about `maxBytes` of JSON. */
  offset: number;
  limit: number;
  maxBytes: number;
  timeoutMs: number;
}

/** Writes rejected rows to a file that can be downloaded. */
export interface ExportJob {
  task: 'export';
  /** Files of rejects, in the order in which their rows are to come. */
  parts: string[];
  /** Columns and the value that a row must have there. */
  filter: { name: string; value: string }[];
  format: 'ndjson' | 'csv';
  output: string;
}

export interface QueryResult {
  columns: StagedColumn[];
  /** Values by column; see `exact-json.ts`. */
  rows: Json[][];
  /** There are more rows after these. */
  truncated: boolean;
  executionMs: number;
}

/** Says what the columns of a table hold. */
export interface ProfileJob {
  task: 'profile';
  table: QueryTable;
  timeoutMs: number;
}

/** One column, with values as in the answers of queries; text is cut, and what has no order has no ends. */
export interface ColumnProfile extends StagedColumn {
  nulls: number;
  /** Different values, about (within a few percent). */
  distinct: number;
  min: Json;
  max: Json;
  /** Some different values. */
  examples: Json[];
}

export interface ProfileResult {
  rows: number;
  columns: ColumnProfile[];
  executionMs: number;
}

/** Writes the rows of a query's result, which are lines of JSON, as one Parquet file. */
export interface WriteResultJob {
  task: 'write_result';
  input: string;
  output: string;
  /** The result's columns, with the graph engine's names of their types; no two names are equal but for their case. */
  columns: QueryColumn[];
}

export type Job = StageJob | PrepareJob | QueryJob | ProfileJob | ExportJob | WriteResultJob;
export type ResultOf<J extends Job> = J extends StageJob
  ? StageResult
  : J extends PrepareJob
    ? PrepareResult
    : J extends QueryJob
      ? QueryResult
      : J extends ProfileJob
        ? ProfileResult
        : null;

/** The first line that the child is told on stdin, of what it can get ready for the job; that is the second one. */
export interface ChildSetup extends FileLimits {
  task: Job['task'];
  memoryMb: number;
  threads: number;
  /** The only directory that DuckDB may touch. */
  directory: string;
  tempDirectory: string;
}

/** Why a task failed, for users. */
export interface TaskFailure {
  code:
    | 'file_malformed'
    | 'file_too_large'
    | 'staging_columns_missing'
    | 'staging_out_of_memory'
    | 'storage_full'
    | 'sql_invalid'
    | 'sql_refused'
    | 'query_timeout'
    | 'query_out_of_memory'
    | 'internal';
  message: string;
  details?: Record<string, unknown>;
}

/** Lines of JSON on the child's stdout; the last one is `done` or `failed`. */
export type ChildMessage =
  | { type: 'progress'; progress: PrepareProgress }
  | { type: 'done'; result: ResultOf<Job> }
  | { type: 'failed'; failure: TaskFailure };
