import type { KeyExport, QueryColumn, TableExport, TableLoad } from '../graph-engine';

/** JSON payloads of the protocol (PROTOCOL.md). Fields may be added; none changes its meaning. */
export interface OpenMessage {
  protocol: number;
  /** `append`: builds as well, but changes only the log, since others hold the database file, too. */
  mode: 'read' | 'build' | 'append';
  file: string;
  bufferPoolBytes: number;
  maxDatabaseBytes: number;
  connections: number;
  threads: number;
}

export interface HelloMessage {
  protocol: number;
  engine: string;
  engineVersion: string;
  /** Of the engine's files; raised when older ones cannot be read any more. */
  storageVersion: number;
}

export interface QueryMessage {
  statement: string;
  parameters: Record<string, unknown>;
  timeoutMs: number;
  format: 'ndjson' | 'json';
  maxRows?: number;
  batchRows?: number;
  /** Where the host may have the engine write the whole result as Parquet. */
  file?: string;
  /** Bytes that the host may send before it needs more credit. */
  credit: number;
}

export interface ColumnsMessage {
  columns: QueryColumn[];
  /** The result is in the file that was named, and no rows follow. */
  file?: { bytes: number };
}

export interface EndMessage {
  rows: number;
  truncated: boolean;
  executionMs: number;
}

export interface BuildMessage {
  keys?: KeyExport[];
  definitions: string[];
  loads: TableLoad[];
}

/** In mode `read`: the answer has the numbers of rows. */
export interface ExportMessage {
  exports: TableExport[];
}

export interface ExportedMessage {
  rows: number[];
}

export interface ProgressMessage {
  table: string;
  rows: number;
  totalRows: number;
}

export type FailureCode =
  | 'statement_refused'
  | 'write_refused'
  | 'query_invalid'
  | 'duplicate_column'
  | 'query_timeout'
  | 'query_out_of_memory'
  | 'query_cancelled'
  | 'graph_unreadable'
  | 'load_failed'
  | 'storage_full'
  | 'protocol_mismatch';

export interface FailureMessage {
  code: FailureCode;
  /** In words for the user, or the name that the code is about. Holds no paths. */
  message: string;
}

/** Thrown inside a host where a failure of a known kind must reach the other side. */
export class HostFailure extends Error {
  constructor(
    readonly code: FailureCode,
    message: string,
  ) {
    super(message);
  }
}

export const CREDIT_BYTES = 512 * 1024;

/** Removes the given folders and what the engine says of its own source from an engine's message, and bounds its length. */
export function cleanMessage(message: string, folders: readonly string[]): string {
  let text = message;
  for (const folder of folders) text = text.split(`${folder}/`).join('').split(folder).join('');
  return text.replace(/\s+$/, '').slice(0, 2_000);
}
