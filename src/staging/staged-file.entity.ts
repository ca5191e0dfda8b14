import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigint } from '../database/bigint-column';
import type { ErrorBody } from '../common/problem';
import type { SaidEnds } from '../schemas/graph-schema';
import type { ColumnMapping, CsvOptions, FileContent, FileFormat, StagedColumn } from './duckdb/messages';

/**
 * pending: a link was given out; uploaded: the bytes are there; staging: being read; staged: its part is ready;
 * failed: it could not be read (`error` says why); disabled: taken out of its table, its part is kept; archived: only the
 * upload is kept.
 */
export const FILE_STATUSES = ['pending', 'uploaded', 'staging', 'staged', 'failed', 'disabled', 'archived'] as const;
export type FileStatus = (typeof FILE_STATUSES)[number];

/** How its sender wants a file to be read. */
export interface FileOptions {
  csv?: CsvOptions;
  mapping?: ColumnMapping;
  /** Node types at the ends of its rows, where these do not say them. */
  ends?: SaidEnds;
}

/** One file of a staging table. A table is nothing else than its staged files. */
@Entity('staged_file')
export class StagedFile {
  @PrimaryColumn('uuid')
  readonly id: string;

  @Column('text', { name: 'graph_id' })
  readonly graphId: string;

  @Column('text', { name: 'table_name' })
  readonly tableName: string;

  @Column('text', { name: 'file_name' })
  readonly fileName: string;

  @Column('text')
  readonly format: FileFormat;

  /** How it is read: what its table says, and over that what it says itself. */
  @Column('jsonb')
  readonly options: FileOptions;

  /** What it says itself; null of files from before that was noted. */
  @Column('jsonb', { name: 'own_options', nullable: true })
  readonly ownOptions: FileOptions | null;

  /** What reading it found it to be. */
  @Column('jsonb', { nullable: true })
  readonly content: FileContent | null;

  @Column('text')
  readonly status: FileStatus;

  @Column('bigint', { name: 'size_bytes', transformer: bigint })
  readonly sizeBytes: number;

  /** Key of the bytes as they were uploaded. */
  @Column('text', { name: 'upload_key', nullable: true })
  readonly uploadKey: string | null;

  /** Key of the immutable Parquet part; the upload itself where that is Parquet. */
  @Column('text', { name: 'part_key', nullable: true })
  readonly partKey: string | null;

  @Column('bigint', { name: 'row_count', nullable: true, transformer: bigint })
  readonly rowCount: number | null;

  @Column('jsonb', { nullable: true })
  readonly columns: StagedColumn[] | null;

  @Column('jsonb', { nullable: true })
  readonly error: ErrorBody | null;

  /** The operation that stages it, or did so last. */
  @Column('text', { name: 'operation_id', nullable: true })
  readonly operationId: string | null;

  /** The newest generation that was built from it. */
  @Column('integer', { name: 'materialized_generation', nullable: true })
  readonly materializedGeneration: number | null;

  /** Who wants it to be loaded into the graph once it is staged, and the operation that was begun for that. */
  @Column('uuid', { name: 'ingest_by', nullable: true })
  readonly ingestBy: string | null;

  @Column('text', { name: 'ingest_operation_id', nullable: true })
  readonly ingestOperationId: string | null;

  /** The file of the parent that it was copied from. */
  @Column('uuid', { name: 'copy_of', nullable: true })
  readonly copyOf: string | null;

  @Column('uuid', { name: 'created_by', nullable: true })
  readonly createdBy: string | null;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;

  @Column('timestamptz', { name: 'uploaded_at', nullable: true })
  readonly uploadedAt: Date | null;

  @Column('timestamptz', { name: 'staged_at', nullable: true })
  readonly stagedAt: Date | null;
}

export const ALL_GRAPHS = 'graphs/';

/** Where all objects of a graph's files are. */
export function graphPrefix(graphId: string): string {
  return `${ALL_GRAPHS}${graphId}/`;
}

/** Where all objects of one file are, so that removing it needs no list. */
export function filePrefix(file: { graphId: string; id: string }): string {
  return `${graphPrefix(file.graphId)}files/${file.id}/`;
}

/** An object that an attempt of an operation made: a part of a file, or rejected rows. */
export interface MadeObject {
  key: string;
  /** Null for rejected rows. */
  fileId: string | null;
  operationId: string;
}

/** A name of its own for each attempt: one that comes too late cannot touch what another one published. */
export function partOf(
  file: { graphId: string; id: string },
  { operationId, attempt }: { operationId: string; attempt: number },
): string {
  return `${filePrefix(file)}part-${operationId}-${attempt}.parquet`;
}

/** Where the rows that an attempt rejected are, for the same reason. */
export function rejectsOf(of: { graphId: string; operationId: string; attempt: number }): string {
  return `${graphPrefix(of.graphId)}rejects/${of.operationId}/${of.attempt}/`;
}

/** What the key of an object says that an attempt made; null for other keys. */
export function madeObject(key: string): MadeObject | null {
  const [, fileId, made, rejecting] =
    /\/(?:files\/([0-9a-f-]{36})\/part-(op_[0-9A-Z]+)-\d+|rejects\/(op_[0-9A-Z]+)\/.+)\.parquet$/.exec(key) ?? [];
  const operationId = made ?? rejecting;
  return operationId === undefined ? null : { key, fileId: fileId ?? null, operationId };
}

/** What somebody sent: the bytes of a file, or rows. */
export interface SentObject {
  key: string;
  graphId: string;
  fileId: string;
}

/** What the key of an object says that somebody sent; null for other keys. */
export function sentObject(key: string): SentObject | null {
  const [, graphId, fileId] =
    /^graphs\/([^/]+)\/files\/([0-9a-f-]{36})\/(?:upload-[0-9a-f-]{36}|rows\.(?:json|parquet))$/.exec(key) ?? [];
  return graphId === undefined ? null : { key, graphId, fileId };
}
