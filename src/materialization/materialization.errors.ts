import { DomainError } from '../common/domain-error';

export class NothingStaged extends DomainError {
  readonly code = 'nothing_staged';
  readonly kind = 'conflict';
  constructor() {
    super('No file is staged in this graph. Upload a file, then set its status to "uploaded"');
  }
}

/** What only loads new files cannot bring the graph up to date. */
export class RebuildNeeded extends DomainError {
  readonly code = 'rebuild_needed';
  readonly kind = 'conflict';
  constructor(why: string) {
    super(`${why}, so loading new files alone would not give what is staged. Materialize with "rebuild": true`);
  }
}

/** A rebuild that nobody asked for would lose rows that are in no file. */
export class RowsWouldBeLost extends DomainError {
  readonly code = 'rows_would_be_lost';
  readonly kind = 'conflict';
  constructor(why: string) {
    super(
      `${why}, and the graph also holds rows that are in no staged file (from a backup or another graph), which a rebuild ` +
        'would lose. Stage the files again, or materialize with "rebuild": true',
    );
  }
}

/** Checking the rows takes longer than one waits for an answer. */
export class DryRunTooLong extends DomainError {
  readonly code = 'dry_run_too_long';
  readonly kind = 'timeout';
  constructor() {
    super('There is too much to check while you wait. Materialize without dry_run; it can be taken back with rollback');
  }
}

export class DryRunsBusy extends DomainError {
  readonly code = 'dry_runs_busy';
  readonly kind = 'unavailable';
  override readonly retryable = true;
  override readonly retryAfterSeconds = 5;
  constructor() {
    super('Others are trying a materialization at this moment. Try again in a few seconds');
  }
}

export class NoRows extends DomainError {
  readonly code = 'no_rows';
  readonly kind = 'bad_request';
  constructor() {
    super('There are neither nodes nor relationships in the request');
  }
}

export class TooManyRows extends DomainError {
  readonly code = 'too_many_rows';
  readonly kind = 'too_large';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(actual: number, limit: number) {
    super(`${actual} rows are too many for one request, which may bring ${limit}. Upload a file for so many`);
    this.details = { limit, actual };
  }
}

/** A row that is not right, as people look for it: file, row, reason. */
export interface RejectedRow {
  table: string;
  file: string;
  row: number | null;
  reason: string;
}

export class RowsRejected extends DomainError {
  readonly code = 'rows_rejected';
  readonly kind = 'invalid';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(
    rejected: number,
    tables: object[],
    samples: RejectedRow[],
    links: object,
    unknown?: { message: string; problems: object[] },
  ) {
    const columns = unknown === undefined ? '' : `. ${unknown.message}`;
    super(
      `${rejected} rows are not right, and ignore_errors is false, so nothing was published. Mend the files or set ignore_errors${columns}`,
    );
    this.details = {
      rows_rejected: rejected,
      tables,
      samples,
      _links: links,
      ...(unknown && { unknown_columns: unknown.problems }),
    };
  }
}

/** Files have columns for which the graph has no place, and nothing else is wrong. */
export class ColumnsUnknown extends DomainError {
  readonly code = 'staging_columns_unknown';
  readonly kind = 'bad_request';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor({ message, problems }: { message: string; problems: object[] }) {
    super(`${message}. Map them to null, add them to the schema, or set ignore_errors`);
    this.details = { problems };
  }
}

export class TableWhollyRejected extends DomainError {
  readonly code = 'table_wholly_rejected';
  readonly kind = 'invalid';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(table: string, tables: object[], samples: RejectedRow[], links: object) {
    super(`Not one row of table ${table} could be loaded, so nothing was published. Compare its files with the schema`);
    this.details = { table, tables, samples, _links: links };
  }
}

/** The engine holds another number of rows than it was given. */
export class LoadMismatch extends DomainError {
  readonly code = 'load_mismatch';
  readonly kind = 'internal';
  constructor(table: string, expected: number, found: number) {
    super(
      `Table ${table} should have ${expected} rows but the engine counts ${found}; nothing was published. Tell the operator`,
    );
  }
}
