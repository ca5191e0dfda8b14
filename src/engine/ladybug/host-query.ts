import type { LbugValue, QueryResult } from '@ladybugdb/core';
import type { QueryColumn } from '../graph-engine';
import { FrameType, type FrameChannel } from './frames';
import type { Lanes } from './lanes';
import { HostFailure, type QueryMessage } from './messages';
import { bindParameters } from './parameters';
import { duplicateOf, rowSerialiser, type TableTypes } from './serialiser';

const BATCH_ROWS = 2_000;
/** Characters, checked after each row: a batch is about this long, or one row. */
const BATCH_LENGTH = 128 * 1024;

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
    const { statement } = this.message;
    const parameters = bindParameters(this.message.parameters) as Record<string, LbugValue>;
    // The result is complete in the engine's memory after this, so its lane is free while the reader takes its time.
    const result = await lanes.use(statement, this.remainingMs(), (lane) =>
      lane.execute(statement, parameters, this.remainingMs()),
    );
    try {
      await this.sendRows(result, describe(result));
    } finally {
      result.close();
    }
  }

  /** Waiting for a lane counts towards the timeout. */
  private remainingMs(): number {
    if (this.cancelled) throw new HostFailure('query_cancelled', '');
    const remaining = this.message.timeoutMs - (performance.now() - this.started);
    if (remaining < 1) throw new HostFailure('query_timeout', '');
    return Math.ceil(remaining);
  }

  private async sendRows(result: QueryResult, columns: QueryColumn[]): Promise<void> {
    const holdsElements = columns.some(({ type }) => /\b(NODE|REL|RECURSIVE_REL)\b/.test(type));
    const toText = rowSerialiser(columns, holdsElements ? await this.tables() : new Map());
    this.channel.sendJson(FrameType.Columns, this.stream, { columns });
    const { format, maxRows = Infinity, batchRows = BATCH_ROWS } = this.message;
    const most = Math.min(batchRows, BATCH_ROWS);
    const total = result.getNumTuples();
    const wanted = Math.min(total, maxRows);
    let sent = 0;
    while (sent < wanted) {
      await this.hasCredit();
      if (this.cancelled) throw new HostFailure('query_cancelled', '');
      let text = '';
      let rows = 0;
      while (sent + rows < wanted && rows < most && text.length < BATCH_LENGTH) {
        const row = toText(result.getNextSync() as Record<string, unknown>);
        if (format === 'ndjson') text += `${row}\n`;
        else text += sent + rows === 0 ? row : `,${row}`;
        rows += 1;
      }
      this.sendBatch(rows, Buffer.from(text));
      sent += rows;
      if (sent < wanted) await new Promise(setImmediate);
    }
    const executionMs = Math.round((performance.now() - this.started) * 1000) / 1000;
    this.channel.sendJson(FrameType.End, this.stream, { rows: sent, truncated: wanted < total, executionMs });
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

function describe(result: QueryResult): QueryColumn[] {
  const names = result.getColumnNamesSync();
  const types = result.getColumnDataTypesSync();
  const duplicate = duplicateOf(names);
  if (duplicate !== undefined) throw new HostFailure('duplicate_column', duplicate);
  return names.map((name, index) => ({ name, type: types[index] }));
}
