import { DomainError } from '../common/domain-error';

export class FileNotFound extends DomainError {
  readonly code = 'file_not_found';
  readonly kind = 'not_found';
  constructor(readonly fileId: string) {
    super(`File ${fileId} does not exist in this graph`);
  }
}

export class TableNotFound extends DomainError {
  readonly code = 'table_not_found';
  readonly kind = 'not_found';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(name: string, known: string[]) {
    super(`The schema of this graph has no type "${name}". Use one of: ${known.join(', ') || 'none yet'}`);
    this.details = { tables: known };
  }
}

export class UnsupportedMediaType extends DomainError {
  readonly code = 'unsupported_media_type';
  readonly kind = 'unsupported_media';
  constructor(found: string) {
    super(
      `Files of type ${found} cannot be loaded. Send CSV (text/csv), JSON (application/json, application/x-ndjson) or Parquet (application/x-parquet), as it is or compressed with gzip or zstd`,
    );
  }
}

export class FileTooLarge extends DomainError {
  readonly code = 'file_too_large';
  readonly kind = 'too_large';
  constructor(maxMb: number) {
    super(`A file may have at most ${maxMb} MB; nothing was stored. Split it, or ask the operator for a higher limit`);
  }
}

export class UploadLinkInvalid extends DomainError {
  readonly code = 'upload_link_invalid';
  readonly kind = 'forbidden';
  constructor() {
    super('This upload link is not valid. Use the upload_url exactly as it was given, or ask for a new one');
  }
}

export class UploadLinkExpired extends DomainError {
  readonly code = 'upload_link_expired';
  readonly kind = 'forbidden';
  constructor() {
    super('This upload link has expired. Ask for a new one');
  }
}

/** The sender went away before the end of the file. */
export class UploadInterrupted extends DomainError {
  readonly code = 'upload_interrupted';
  readonly kind = 'bad_request';
  constructor() {
    super('The connection ended before the whole file had arrived; nothing was stored. Send it again');
  }
}

export class FileNotUploaded extends DomainError {
  readonly code = 'file_not_uploaded';
  readonly kind = 'conflict';
  constructor() {
    super('The content of this file has not arrived. PUT it to the upload_url first');
  }
}

/** There are no rows to look at: the file was not read, or only its upload is kept. */
export class FileNotStaged extends DomainError {
  readonly code = 'file_not_staged';
  readonly kind = 'conflict';
  constructor(status: string) {
    super(`This file is ${status}, so its rows cannot be looked at. Set its status to "uploaded" to have it read`);
  }
}

/** The schema has no such type any more, and no file is staged that would have its rows. */
export class TableNotStaged extends DomainError {
  readonly code = 'table_not_staged';
  readonly kind = 'conflict';
  constructor(name: string) {
    super(`No file of ${name} is staged, and the schema no longer has it. Add it to the schema, or drop the table`);
  }
}

/** The content is already in a staging table, or on its way; parts never change. */
export class FileAlreadyStaged extends DomainError {
  readonly code = 'file_already_staged';
  readonly kind = 'conflict';
  constructor(status: string) {
    super(`This file is ${status} and cannot be replaced. Delete it, or upload a new file`);
  }
}

/** An operation is changing the graph, perhaps from this very file. */
export class GraphBusy extends DomainError {
  readonly code = 'graph_busy';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(operationId: string) {
    super(`Operation ${operationId} is changing this graph; wait for its end or cancel it`);
    this.details = { operation_id: operationId, status_url: `/v1/operations/${operationId}/status` };
  }
}

/** The content is not what its type says. The message says what and where. */
export class FileMalformed extends DomainError {
  readonly kind = 'bad_request';
  constructor(
    message: string,
    override readonly details?: Readonly<Record<string, unknown>>,
    /** `file_too_large`: it inflates to more than is allowed. */
    readonly code: 'file_malformed' | 'file_too_large' = 'file_malformed',
  ) {
    super(message);
  }
}

/** Staged files lack columns that the schema needs. */
export class StagedColumnsMissing extends DomainError {
  readonly code = 'staging_columns_missing';
  readonly kind = 'bad_request';
  constructor(
    message: string,
    override readonly details?: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }
}

/** A file was deleted while its table was being read. Another run takes what is there then. */
export class StagingChanged extends DomainError {
  readonly code = 'staging_changed';
  readonly kind = 'conflict';
  override readonly retryable = true;
  constructor(fileName: string) {
    super(`File "${fileName}" was deleted meanwhile. Run it again`);
  }
}

export class StagingOutOfMemory extends DomainError {
  readonly code = 'staging_out_of_memory';
  readonly kind = 'unavailable';
  constructor() {
    super('The data needs more memory than a staging process may use (STAGING_MEMORY_MB). Split the file');
  }
}

/** The staging process ended without an answer. Its work can be done again. */
export class StagingEngineLost extends DomainError {
  readonly code = 'staging_engine_lost';
  readonly kind = 'unavailable';
  override readonly retryable = true;
  override readonly retryAfterSeconds = 1;
  constructor(
    message = 'The process that reads files ended unexpectedly. Try again',
    override readonly details?: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }
}

/** Somebody cancelled the operation that read the file. */
export class StagingCancelled extends DomainError {
  readonly code = 'staging_cancelled';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(operationId: string) {
    super('Reading the file was cancelled. Set its status to "uploaded" again to read it');
    this.details = { operation_id: operationId };
  }
}

/** The process met something that none of the known failures explains; its words are in the log. */
export class StagingFailed extends DomainError {
  readonly code = 'staging_failed';
  readonly kind = 'internal';
  constructor() {
    super('The files could not be read, for a reason that is in the log of the platform. Tell the operator');
  }
}

/** DuckDB could not parse, bind or run the SQL. */
export class SqlInvalid extends DomainError {
  readonly code = 'sql_invalid';
  readonly kind = 'bad_request';
}

/** The SQL does something else than reading this graph's staging tables. */
export class SqlRefused extends DomainError {
  readonly code = 'statement_refused';
  readonly kind = 'forbidden';
}

/** Bad rows are kept for some days only. */
export class RejectsRemoved extends DomainError {
  readonly code = 'rejects_removed';
  readonly kind = 'not_found';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(removedAt: Date | null) {
    super(
      'The rejected rows are not kept any more (REJECTS_RETENTION_DAYS). Materialize again to find those of the files',
    );
    this.details = { removed_at: removedAt?.toISOString() ?? null };
  }
}

export class SqlTimeout extends DomainError {
  readonly code = 'query_timeout';
  readonly kind = 'timeout';
  constructor() {
    super('The statement did not end in time (TABLE_QUERY_TIMEOUT_SECONDS). Narrow it down or aggregate');
  }
}

export class SqlOutOfMemory extends DomainError {
  readonly code = 'query_out_of_memory';
  readonly kind = 'unavailable';
  constructor() {
    super('The statement needs more memory than it may use (STAGING_MEMORY_MB). Narrow it down or aggregate');
  }
}

export class TableQueriesBusy extends DomainError {
  readonly code = 'table_queries_busy';
  readonly kind = 'unavailable';
  override readonly retryAfterSeconds = 1;
  constructor() {
    super('Too many statements on staging tables are running at this moment. Try again in a second');
  }
}
