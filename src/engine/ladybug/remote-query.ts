import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '../../common/domain-error';
import { QueryCancelled } from '../engine.errors';
import type { QueryColumn, QueryRequest, QueryStream, QuerySummary, RowBatch } from '../graph-engine';
import { failureOf } from './failures';
import { FrameType, type Frame, type FrameChannel } from './frames';
import { CREDIT_BYTES, type ColumnsMessage, type EndMessage, type FailureMessage, type QueryMessage } from './messages';
import { encodeParameters } from './parameters';

/** The platform's side of one query: hands batches to the reader and gives the host credit as they are taken. */
export class RemoteQuery {
  /** Until the columns arrive nothing of the result exists outside the host, so it may be run again elsewhere. */
  executing = true;
  /** The reader left; what still comes is thrown away. */
  abandoned = false;
  /** The columns are there; rejects where it failed before. */
  readonly ready: Promise<QueryStream>;
  /** The host no longer works on it, in whatever way that came. Never rejects. */
  readonly settled: Promise<void>;

  readonly received = { rows: 0, bytes: 0 };
  /** Where the host may write the result, and whether it did and the reader has it. */
  private readonly file: string | undefined;
  private fileGiven = false;

  private readonly batches: RowBatch[] = [];
  private readonly summary: Promise<QuerySummary>;
  private finished = false;
  private error: Error | undefined;
  private wakeReader: (() => void) | undefined;
  private resolveReady!: (stream: QueryStream) => void;
  private rejectReady!: (error: Error) => void;
  private resolveSummary!: (summary: QuerySummary) => void;
  private rejectSummary!: (error: Error) => void;
  private resolveSettled!: () => void;

  constructor(
    readonly id: number,
    readonly request: QueryRequest,
    private readonly channel: FrameChannel,
    scratch?: string,
  ) {
    if (request.toFile && scratch !== undefined) this.file = join(scratch, `${id}.parquet`);
    this.ready = new Promise((resolve, reject) => ([this.resolveReady, this.rejectReady] = [resolve, reject]));
    this.summary = new Promise((resolve, reject) => ([this.resolveSummary, this.rejectSummary] = [resolve, reject]));
    this.settled = new Promise((resolve) => (this.resolveSettled = resolve));
    // A reader may look at the batches alone, which fail with the same error.
    this.summary.catch(() => undefined);
  }

  /** Bytes that arrived and that the reader has not taken; bounded by the credit and one batch. */
  get bufferedBytes(): number {
    return this.batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
  }

  start(): void {
    const { statement, parameters, timeoutMs, format, maxRows, batchRows } = this.request;
    const message: QueryMessage = {
      statement,
      parameters: encodeParameters(parameters),
      timeoutMs,
      format,
      maxRows,
      batchRows,
      file: this.file,
      credit: CREDIT_BYTES,
    };
    this.channel.sendJson(FrameType.Query, this.id, message);
  }

  receive({ type, payload }: Frame): void {
    switch (type) {
      case FrameType.Columns:
        this.executing = false;
        this.begin(parse(payload) as ColumnsMessage);
        return;
      case FrameType.Rows:
        if (this.abandoned) return;
        this.batches.push({ rows: payload.readUInt32BE(0), bytes: payload.subarray(4) });
        this.received.rows += payload.readUInt32BE(0);
        this.received.bytes += payload.length - 4;
        this.wakeReader?.();
        return;
      case FrameType.End:
        this.end(parse(payload) as EndMessage);
        return;
      case FrameType.Failure:
        this.fail(failureOf(parse(payload) as FailureMessage, this.request.timeoutMs));
        return;
      default:
    }
  }

  /** Removes what the host wrote and no reader got. Only once it is {@link settled}. */
  async tidy(): Promise<void> {
    if (this.file !== undefined && !this.fileGiven) await rm(this.file, { force: true });
  }

  /** Ends it for host and reader alike. */
  fail(error: Error): void {
    this.rejectReady(error);
    this.rejectSummary(error);
    this.finish(error);
  }

  /** The reader left: it gets its error (if it still listens) at once, the host is told and may take its time. */
  abandon(why?: unknown): void {
    if (this.abandoned || this.finished) return;
    this.abandoned = true;
    this.batches.length = 0;
    const error = why instanceof DomainError ? why : new QueryCancelled();
    this.error = error;
    this.rejectReady(error);
    this.rejectSummary(error);
    this.wakeReader?.();
    this.channel.send(FrameType.Cancel, this.id, Buffer.alloc(0));
  }

  private begin({ columns, file }: ColumnsMessage): void {
    if (file !== undefined && !this.abandoned) {
      this.fileGiven = true;
      this.received.bytes = file.bytes;
    }
    this.resolveReady({ ...this.streamOf(columns), file: this.fileGiven ? this.file : undefined });
  }

  private end(summary: EndMessage): void {
    if (this.fileGiven) this.received.rows = summary.rows;
    this.resolveSummary(summary);
    this.finish(undefined);
  }

  private finish(error: Error | undefined): void {
    if (this.finished) return;
    this.finished = true;
    this.executing = false;
    this.error ??= error;
    this.wakeReader?.();
    this.resolveSettled();
  }

  private streamOf(columns: QueryColumn[]): QueryStream {
    return { columns, summary: this.summary, batches: this.read(), received: this.received };
  }

  private async *read(): AsyncGenerator<RowBatch> {
    try {
      for (;;) {
        const batch = this.batches.shift();
        if (batch) {
          yield batch;
          this.giveCredit(batch.bytes.length);
        } else if (this.error) {
          throw this.error;
        } else if (this.finished) {
          return;
        } else {
          await new Promise<void>((resolve) => (this.wakeReader = resolve));
          this.wakeReader = undefined;
        }
      }
    } finally {
      this.abandon();
    }
  }

  private giveCredit(bytes: number): void {
    if (this.finished) return;
    const credit = Buffer.allocUnsafe(4);
    credit.writeUInt32BE(bytes);
    this.channel.send(FrameType.Credit, this.id, credit);
  }
}

function parse(payload: Buffer): unknown {
  return JSON.parse(payload.toString('utf8'));
}
