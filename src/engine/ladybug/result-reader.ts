import type { QueryResult } from '@ladybugdb/core';
import type { QueryColumn } from '../graph-engine';
import { mayLose } from './exact-expressions';
import { distinctNames, exactStatement, type ExactStatement } from './exact-statement';
import { HostFailure } from './messages';
import { Losses } from './scalar-serialisers';
import { rowSerialiser } from './serialiser';
import { parseType, type TableTypes } from '../value-types';

/** Characters, checked after each row: a batch is about this long, or one row. */
const BATCH_LENGTH = 128 * 1024;

export interface TextBatch {
  rows: number;
  /** Rows as JSON objects, joined as the format says. */
  text: string;
}

/** How to ask for a statement's result without loss, and for which columns that was found out. */
export interface ExactQuery extends ExactStatement {
  /** The original statement's columns, names as the engine gives them. */
  columns: QueryColumn[];
  /** A name that several columns have. */
  sharedName?: string;
}

export interface ReadLimits {
  maxRows: number;
  /** No batch crosses a multiple of this many rows. */
  batchRows: number;
  mostRows: number;
  format: 'ndjson' | 'json';
}

/** Reads a result batch by batch as JSON text, and knows whether anything of it would be lost on the way. */
export class ResultReader {
  /** As they are told to the user: names are distinct. */
  readonly columns: QueryColumn[];
  readonly total: number;
  private readonly wanted: number;
  /** As the engine gives them. */
  readonly original: QueryColumn[];
  private readonly losses = new Losses();
  private readonly toText: (row: Record<string, unknown>) => string;
  private read = 0;
  private ahead: TextBatch | undefined;

  /** `all`: what {@link columnsOf} says of the result. */
  constructor(
    private readonly result: QueryResult,
    all: QueryColumn[],
    private readonly tables: TableTypes,
    private readonly limits: ReadLimits,
    private readonly exact?: ExactQuery,
  ) {
    this.original = exact ? all.slice(exact.before, exact.before + exact.columns.length) : all;
    const distinct = distinctNames(this.original.map(({ name }) => name));
    this.columns = this.original.map(({ type }, index) => ({ name: distinct[index], type }));
    this.total = result.getNumTuples();
    this.wanted = Math.min(this.total, limits.maxRows);
    this.toText = rowSerialiser({
      columns: this.columns,
      tables,
      losses: this.losses,
      sources: exact?.sources ?? this.original.map(({ name }) => ({ plain: name })),
    });
  }

  get done(): boolean {
    return this.read >= this.wanted && this.ahead === undefined;
  }

  get truncated(): boolean {
    return this.wanted < this.total;
  }

  /** Whether the columns are those for which the exact query was made: types may change with the parameters. */
  get fits(): boolean {
    return this.exact !== undefined && JSON.stringify(this.original) === JSON.stringify(this.exact.columns);
  }

  /**
   * Reads the first batch and returns how to ask for the result without loss, where something was or may be lost.
   * Of a small result the values themselves tell, of a longer one the types.
   */
  exactQuery(statement: string): ExactQuery | undefined {
    const shared = this.original.find(({ name }, index) => this.original.findIndex((one) => one.name === name) < index);
    if (!shared) {
      this.ahead = this.nextBatch();
      const more = this.read < this.wanted;
      const risky = (): boolean => this.original.some(({ type }) => mayLose(parseType(type), this.tables));
      if (!this.losses.seen && !(more && risky())) return undefined;
    }
    const found = exactStatement(statement, this.original, this.tables);
    if (found) return { ...found, columns: this.original, sharedName: shared?.name };
    if (shared) throw new HostFailure('duplicate_column', shared.name);
    return undefined;
  }

  /** The next rows. Throws `query_invalid` rather than give a value that lost something. */
  next(): TextBatch {
    const batch = this.ahead ?? this.nextBatch();
    this.ahead = undefined;
    if (this.losses.seen) {
      throw new HostFailure(
        'query_invalid',
        'A value of the result cannot be given exactly. Write cast(... AS STRING) around it',
      );
    }
    return batch;
  }

  close(): void {
    this.result.close();
  }

  private nextBatch(): TextBatch {
    const { batchRows, mostRows, format } = this.limits;
    const most = Math.min(this.wanted, this.read + mostRows, this.read + batchRows - (this.read % batchRows));
    const begin = this.read;
    let text = '';
    while (this.read < most && text.length < BATCH_LENGTH) {
      const row = this.toText(this.result.getNextSync() as Record<string, unknown>);
      if (format === 'ndjson') text += `${row}\n`;
      else text += this.read === 0 ? row : `,${row}`;
      this.read += 1;
    }
    return { rows: this.read - begin, text };
  }
}

export function columnsOf(result: QueryResult): QueryColumn[] {
  const types = result.getColumnDataTypesSync();
  return result.getColumnNamesSync().map((name, index) => ({ name, type: types[index] }));
}
