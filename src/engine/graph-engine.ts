/** Where one generation of a graph lives: a directory of its own that holds the engine's files and nothing else. */
export interface GenerationRef {
  graphId: string;
  generation: number;
  /** Absolute path. Only the engine looks inside. */
  directory: string;
}

/** One table to load, from Parquet files whose columns are already of the table's types. */
export interface TableLoad {
  table: string;
  kind: 'node' | 'relationship';
  /** Labels of the two ends; only for relationships. The first two columns of the files are the ends' keys. */
  from?: string;
  to?: string;
  /** Absolute paths inside {@link BuildSpec.inputDirectory}. */
  files: string[];
  /** Rows in the files together, for progress. */
  rows: number;
  /**
   * For nodes of a table that may hold some of them: a row whose key is there replaces all values of that node. The
   * files' columns are named as the properties. Without it a key that is there makes the load fail.
   */
  upsert?: boolean;
  /** For relationships: those that lack a node at an end are left out. Without it one of them makes the load fail. */
  skipDangling?: boolean;
}

/** Keys of all nodes of a table, to be written as Parquet. */
export interface KeyExport {
  table: string;
  /** The primary key; also the name of the file's column. */
  key: string;
  /** Absolute path inside {@link BuildSpec.inputDirectory}; ends in `.parquet`. */
  file: string;
}

export interface BaseGeneration extends GenerationRef {
  /** SHA-256 of its database file; where it is known, an unchanged file is not read to find it out again. */
  sha256?: string;
}

/** A value of the rows that are exported, by the name and the type of its property. */
export interface ExportColumn {
  name: string;
  type: string;
}

/** Nodes of a table to write as Parquet, with their properties as columns. */
export interface NodeExport {
  kind: 'node';
  table: string;
  columns: ExportColumn[];
  /** Only nodes `n` that meet it; a condition that {@link GraphEngine.checkCondition} has let pass. */
  condition?: string;
  /** Absolute path inside the directory of the export; ends in `.parquet`. */
  file: string;
}

/** Relationships between two tables of nodes to write as Parquet: the keys of both ends, and their properties. */
export interface RelationshipExport {
  kind: 'relationship';
  table: string;
  from: ExportEnd;
  to: ExportEnd;
  columns: ExportColumn[];
  file: string;
  /** Only those that lead from (or to) a node of a file that was written before; in which column of it the keys are. */
  only?: { end: 'from' | 'to'; file: string; column: number };
}

export interface ExportEnd {
  table: string;
  key: ExportColumn;
}

export type TableExport = NodeExport | RelationshipExport;

export interface BuildSpec {
  target: GenerationRef;
  /**
   * The generation that the new one begins as a copy of, of this graph or another one. It is only read: whoever queries
   * it notices nothing. Without a base the new generation begins empty.
   */
  base?: BaseGeneration;
  /**
   * The manifest of the base, where it is taken as it is: then it has the hash that is known already, and is opened to see that
   * it can be; its rows are counted again unless it is one and the same file. `definitions` and `loads` are empty.
   */
  unchanged?: GenerationManifest;
  /** Statements made by the platform from the graph's schema (such as definitions of tables), run in order before any load. */
  definitions: string[];
  /** What to write of the base before anything else. */
  keys?: KeyExport[];
  /** Nodes first, then relationships. A function is called once the keys are written. */
  loads: TableLoad[] | (() => Promise<TableLoad[]>);
  /** Somebody will query it as soon as it is published: the process that counts its rows goes on as its host. */
  keepOpen?: boolean;
  /**
   * Other builds will soon begin with this generation: where it has a log, a copy that has none is made for them once this
   * build is over.
   */
  mergeLater?: boolean;
  /** The only directory besides the target's that the loader may read, and write the keys to. */
  inputDirectory?: string;
}

export interface BuildProgress {
  table: string;
  /** Rows loaded of all tables so far, and of how many. */
  rows: number;
  totalRows: number;
}

/** What was counted in a finished generation after it was closed and opened again read-only. */
export interface GenerationManifest {
  engine: string;
  engineVersion: string;
  /** Of the files; those of another one may be unreadable. Absent in manifests from before it was noted. */
  storageVersion?: number;
  /** Of all its files. */
  bytes: number;
  /** SHA-256 of the database file, hexadecimal. */
  sha256: string;
  /** The log beside the database file, where there is one: rows that were added since that file was written. */
  log?: { bytes: number; sha256: string };
  nodes: Record<string, number>;
  relationships: Record<string, number>;
}

/** One of the files that a finished generation consists of. */
export interface GenerationFile {
  /** Name within the generation's directory. */
  name: string;
  /** Absolute path, to be read and never written to. */
  path: string;
  bytes: number;
}

export interface QueryRequest {
  statement: string;
  parameters: Record<string, unknown>;
  timeoutMs: number;
  /**
   * `ndjson`: rows end in a line feed; `json`: rows are separated by commas, and a batch after the first begins with
   * one, so batches join to the inside of an array.
   */
  format: 'ndjson' | 'json';
  /** Pulling stops after this many rows and the summary says `truncated`. */
  maxRows?: number;
  /** Most rows in one batch; batches also end when they grow large. */
  batchRows?: number;
  /** Give the whole result as a Parquet file where the engine writes it without loss and sooner than its rows: {@link QueryStream.file}. */
  toFile?: boolean;
}

export interface QueryColumn {
  name: string;
  /** The engine's name of the type, such as INT64 or DATE. */
  type: string;
}

export interface RowBatch {
  rows: number;
  /** UTF-8; rows serialised once, in the host. */
  bytes: Buffer;
}

export interface QuerySummary {
  rows: number;
  truncated: boolean;
  /** Milliseconds inside the host, from receipt of the statement to the last row. */
  executionMs: number;
}

/** A running query. `batches` is pulled at the reader's pace; leaving the loop early, or aborting, ends the query. */
export interface QueryStream {
  columns: QueryColumn[];
  /** The result as Parquet, where it was asked for and written; no batches come then. Removing it is the reader's. */
  file?: string;
  batches: AsyncIterable<RowBatch>;
  /** Resolves once `batches` ended; rejects as `batches` does. */
  summary: Promise<QuerySummary>;
  /** What has come from the engine so far. */
  readonly received: Readonly<{ rows: number; bytes: number }>;
}

/**
 * The one door to a graph database. Every error it throws is a `DomainError` of `engine.errors.ts`.
 * `signal` stops the work within 2 s (its reason, where it is a `DomainError`, is what the query fails with), by ending the process that does it where need be.
 */
export abstract class GraphEngine {
  /** Builds a new generation in a process of its own; on any failure the target directory is removed again. */
  abstract build(
    spec: BuildSpec,
    options: { signal: AbortSignal; onProgress?: (progress: BuildProgress) => void },
  ): Promise<GenerationManifest>;

  /** What a finished generation consists of. Throws `GraphUnreadable` where it is not there, or is not whole. */
  abstract files(target: GenerationRef): Promise<GenerationFile[]>;

  /**
   * Makes a generation of files that were made elsewhere: `place` writes them into the directory, which is empty, and says
   * the SHA-256 of the database file where it has proven it. They are opened read-only and counted; on any failure the directory
   * is removed again. `temporary`: only to be looked at and dropped, so a crash may lose it. `keepOpen`: as for {@link build}.
   */
  abstract adopt(
    target: GenerationRef,
    place: (directory: string) => Promise<string | undefined>,
    options: { signal: AbortSignal; temporary?: boolean; keepOpen?: boolean },
  ): Promise<GenerationManifest>;

  /**
   * Writes rows of a published generation as Parquet that {@link build} can load, into files of a directory, in a process of
   * its own that can only read the generation. How many each file has.
   */
  abstract export(
    source: GenerationRef,
    tables: TableExport[],
    directory: string,
    options: { signal: AbortSignal; onProgress?: (progress: BuildProgress) => void },
  ): Promise<number[]>;

  /**
   * Reads a published generation in a process of its own, beside the one that answers users: for work that reads all of it.
   * The process ends with `work`, whose statements are the platform's own and run one after the other.
   */
  abstract readApart<T>(
    source: GenerationRef,
    work: (query: ReadApart) => Promise<T>,
    options: { signal: AbortSignal },
  ): Promise<T>;

  /**
   * Makes sure that a text of a user is one condition on a node `n` of a table, and only reads. Throws `StatementRefused`,
   * `WriteRefused`, `QueryInvalid`.
   */
  abstract checkCondition(target: GenerationRef, table: string, condition: string): Promise<void>;

  /** Runs one read-only statement against a published generation, waking its host where it sleeps. */
  abstract query(target: GenerationRef, request: QueryRequest, signal?: AbortSignal): Promise<QueryStream>;

  /** Whether a generation's host is awake, since when, and what it uses. Never wakes it. */
  abstract status(target: GenerationRef): HostStatus;

  /** The tree in what EXPLAIN or PROFILE answered with; undefined where it cannot be read. */
  abstract readPlan(text: string): PlanOperator | undefined;

  /** Lets running queries of a generation end (up to `graceMs`), then closes its host. */
  abstract release(target: GenerationRef, graceMs: number): Promise<void>;

  /** Removes a generation's files. Its host must be released. */
  abstract drop(target: GenerationRef): Promise<void>;
}

/** Runs one statement of {@link GraphEngine.readApart}; its rows are to be read to their end. */
export type ReadApart = (request: QueryRequest) => Promise<QueryStream>;

/** One operator of a plan; its inputs are its children. */
export interface PlanOperator {
  operator: string;
  /** What it works on, in the engine's words. */
  details: string[];
  /** Rows that it gave; of a plan that did not run they are zero. Null where the engine does not say. */
  rows: number | null;
  timeMs: number | null;
  children: PlanOperator[];
}

export interface HostStatus {
  state: 'asleep' | 'waking' | 'awake';
  uptimeSeconds: number;
  runningQueries: number;
  memoryBytes: number | null;
}
