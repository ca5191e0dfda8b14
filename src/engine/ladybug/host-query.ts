import type { LbugValue } from '@ladybugdb/core';
import type { ExactStatements } from './exact-statements';
import { FrameType, type FrameChannel } from './frames';
import type { Lanes } from './lanes';
import { type ColumnsMessage, HostFailure, type QueryMessage } from './messages';
import { bindParameters } from './parameters';
import { mayBeFile, writeResultFile } from './result-file';
import { columnsOf, ResultReader, type ExactQuery } from './result-reader';
import type { TableTypes } from '../value-types';

const BATCH_ROWS = 2_000;
/** What rows take on their way to a file, at least: a process that writes them, and its work for each. */
const ROWS_TO_FILE_MS = 100;
const ROW_TO_FILE_MS = 0.002;

/** One query inside the host: executes, then serialises and sends rows as far as the reader's credit goes. */
export class HostQuery {
  private credit: number;
  private cancelled = false;
  private wake: (() => void) | undefined;
  private readonly started = performance.now();

  constructor(
    private readonly stream: number,
    private readonly message: QueryMessage,
    private readonly channel: FrameChannel,
    private readonly exact: ExactStatements,
    private readonly tables: () => Promise<TableTypes>,
  ) {
    this.credit = message.credit;
  }

  addCredit(bytes: number): void {
    this.credit += bytes;
    this.wake?.();
  }

  cancel(): void {
    this.cancelled = true;
    this.wake?.();
  }

  async run(lanes: Lanes): Promise<void> {
    const { file } = this.message;
    const reader = file === undefined ? await this.open(lanes) : await this.openOrWrite(lanes, file);
    if (reader === undefined) return;
    try {
      await this.send(reader);
    } finally {
      reader.close();
    }
  }

  /** Undefined where the engine has written the result to the file, and it is told. */
  private async openOrWrite(lanes: Lanes, file: string): Promise<ResultReader | undefined> {
    const started = performance.now();
    const reader = await this.read(lanes, this.message.statement);
    const took = performance.now() - started;
    try {
      const bytes = await this.write(lanes, reader, took, file);
      if (bytes === undefined) return await this.exactly(lanes, reader);
      reader.close();
      const { columns, total: rows } = reader;
      this.channel.sendJson(FrameType.Columns, this.stream, { columns, file: { bytes } } satisfies ColumnsMessage);
      this.sendEnd(rows, false);
      return undefined;
    } catch (error) {
      reader.close();
      throw error;
    }
  }

  /** The statement runs once more for this, so it is done only where the rows would take longer. */
  private async write(lanes: Lanes, reader: ResultReader, tookMs: number, file: string): Promise<number | undefined> {
    const { statement } = this.message;
    const { original: columns, total: rows, truncated } = reader;
    if (truncated || tookMs > ROWS_TO_FILE_MS + rows * ROW_TO_FILE_MS || !mayBeFile(statement, columns))
      return undefined;
    const parameters = bindParameters(this.message.parameters) as Record<string, LbugValue>;
    return lanes.use(statement, this.remainingMs(), (lane) =>
      writeResultFile(lane, { statement, parameters, columns, rows, file, timeoutMs: this.remainingMs() }),
    );
  }

  /** Runs the statement, in other words where its result would lose something on the way through the binding. */
  private async open(lanes: Lanes): Promise<ResultReader> {
    const { statement } = this.message;
    const known = this.exact.find(statement);
    if (known) {
      const reader = await this.read(lanes, known.statement, known);
      if (reader.fits) return reader;
      reader.close();
      this.exact.forget(statement);
    }
    return this.exactly(lanes, await this.read(lanes, statement));
  }

  /** The given reader, or one of the statement in other words. */
  private async exactly(lanes: Lanes, plain: ResultReader): Promise<ResultReader> {
    const { statement } = this.message;
    let reader = plain;
    try {
      const exact = plain.exactQuery(statement);
      const better = exact && (await this.readExact(lanes, exact));
      if (exact && better) {
        reader = better;
        this.exact.keep(statement, exact);
      }
    } catch (error) {
      plain.close();
      throw error;
    }
    if (reader !== plain) plain.close();
    return reader;
  }

  /** Undefined where the engine does not take it: then the plain reader refuses what it cannot give exactly. */
  private async readExact(lanes: Lanes, exact: ExactQuery): Promise<ResultReader | undefined> {
    try {
      return await this.read(lanes, exact.statement, exact);
    } catch (error) {
      if (!(error instanceof HostFailure) || error.code !== 'query_invalid') throw error;
      if (exact.sharedName !== undefined) throw new HostFailure('duplicate_column', exact.sharedName);
      return undefined;
    }
  }

  /** The result is complete in the engine's memory after this, so its lane is free while the reader takes its time. */
  private async read(lanes: Lanes, statement: string, exact?: ExactQuery): Promise<ResultReader> {
    const parameters = bindParameters(this.message.parameters) as Record<string, LbugValue>;
    const result =
      lanes.runInline(statement, parameters, this.remainingMs()) ??
      (await lanes.use(statement, this.remainingMs(), (lane) =>
        lane.execute(statement, parameters, this.remainingMs()),
      ));
    try {
      const columns = columnsOf(result);
      const elements = columns.some(({ type }) => /\b(NODE|REL|RECURSIVE_REL)\b/.test(type));
      const { format, maxRows = Infinity, batchRows = BATCH_ROWS } = this.message;
      const limits = { format, maxRows, batchRows, mostRows: BATCH_ROWS };
      return new ResultReader(result, columns, elements ? await this.tables() : new Map(), limits, exact);
    } catch (error) {
      result.close();
      throw error;
    }
  }

  /** Waiting for a lane counts towards the timeout. */
  private remainingMs(): number {
    if (this.cancelled) throw new HostFailure('query_cancelled', '');
    const remaining = this.message.timeoutMs - (performance.now() - this.started);
    if (remaining < 1) throw new HostFailure('query_timeout', '');
    return Math.ceil(remaining);
  }

  private async send(reader: ResultReader): Promise<void> {
    this.channel.sendJson(FrameType.Columns, this.stream, { columns: reader.columns });
    let sent = 0;
    while (!reader.done) {
      await this.hasCredit();
      if (this.cancelled) throw new HostFailure('query_cancelled', '');
      const { rows, text } = reader.next();
      if (rows > 0) this.sendBatch(rows, Buffer.from(text));
      sent += rows;
      if (!reader.done) await new Promise(setImmediate);
    }
    this.sendEnd(sent, reader.truncated);
  }

  private sendEnd(rows: number, truncated: boolean): void {
    const executionMs = Math.round((performance.now() - this.started) * 1000) / 1000;
    this.channel.sendJson(FrameType.End, this.stream, { rows, truncated, executionMs });
  }

  private sendBatch(rows: number, bytes: Buffer): void {
    const count = Buffer.allocUnsafe(4);
    count.writeUInt32BE(rows);
    this.credit -= bytes.length;
    this.channel.send(FrameType.Rows, this.stream, count, bytes);
  }

  private async hasCredit(): Promise<void> {
    while (this.credit <= 0 && !this.cancelled) {
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = undefined;
    }
  }
}
