import { Readable } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { Clock } from '../common/clock';
import { errorBodyOf, foreseen, problem, statusOf } from '../common/problem';
import type { QueryStream, RowBatch } from '../engine/graph-engine';
import { type Notice, noticed } from './notices';

const logger = new Logger('QueryAnswers');
const COMMA = ','.charCodeAt(0);
/** A chunk of wide rows is sent with fewer of them than were asked for. */
const CHUNK_BYTES = 4 * 1024 * 1024;
/** Chunks between two progress events. */
const PROGRESS_EVERY = 10;

export interface StreamAnswer {
  /** Rows in one chunk, the last one excepted. */
  chunkRows: number;
  requestId: string;
  clock: Clock;
  notices: Notice[];
}

/**
 * The result as lines of JSON, one for each chunk, then one that says `complete`. A failure half-way is a last line with
 * the problem document, after which the connection ends without its proper close: no client can take it for the whole.
 */
export function ndjsonAnswer(stream: QueryStream, answer: StreamAnswer): Readable {
  return Readable.from(ndjson(stream, answer), { objectMode: false });
}

/**
 * The same as server-sent events: `started`, `schema`, `chunk` with the count so far, `progress` now and then, and at the
 * end `complete` or `error`.
 */
export function sseAnswer(stream: QueryStream, answer: StreamAnswer): Readable {
  return Readable.from(events(stream, answer), { objectMode: false });
}

async function* ndjson(stream: QueryStream, answer: StreamAnswer): AsyncGenerator<Buffer> {
  const columns = { ...columnsOf(stream), ...noticed(answer.notices) };
  let index = 0;
  try {
    for await (const chunk of chunksOf(stream, answer.chunkRows)) {
      const head = { chunk_index: index, ...(index === 0 ? columns : {}), row_count: chunk.rows };
      yield Buffer.concat([withRows(head, chunk), Buffer.from('\n')]);
      index += 1;
    }
    yield Buffer.from(
      `${JSON.stringify({ ...(index === 0 ? { ...columns, rows: [] } : {}), ...(await ending(stream)) })}\n`,
    );
  } catch (error) {
    yield Buffer.from(`${JSON.stringify({ error: problemOf(error, answer) })}\n`);
    throw error;
  }
}

async function* events(stream: QueryStream, answer: StreamAnswer): AsyncGenerator<Buffer> {
  yield event('started', JSON.stringify({ timestamp: answer.clock.now().toISOString() }));
  yield event('schema', JSON.stringify({ ...columnsOf(stream), ...noticed(answer.notices) }));
  let index = 0;
  let total = 0;
  try {
    for await (const chunk of chunksOf(stream, answer.chunkRows)) {
      total += chunk.rows;
      yield event('chunk', withRows({ chunk_index: index, row_count: chunk.rows, total_rows_sent: total }, chunk));
      index += 1;
      if (index % PROGRESS_EVERY === 0) yield event('progress', JSON.stringify({ chunks: index, rows: total }));
    }
    yield event('complete', JSON.stringify(await ending(stream)));
  } catch (error) {
    yield event('error', JSON.stringify(problemOf(error, answer)));
    throw error;
  }
}

/** Joins the batches of the engine to chunks of so many rows. */
export async function* chunksOf(stream: QueryStream, chunkRows: number): AsyncGenerator<RowBatch> {
  let parts: Buffer[] = [];
  let rows = 0;
  let bytes = 0;
  for await (const batch of stream.batches) {
    if (batch.rows === 0) continue;
    parts.push(rows === 0 ? inside(batch) : batch.bytes);
    rows += batch.rows;
    bytes += batch.bytes.length;
    if (rows >= chunkRows || bytes >= CHUNK_BYTES) {
      yield { rows, bytes: Buffer.concat(parts) };
      [parts, rows, bytes] = [[], 0, 0];
    }
  }
  if (rows > 0) yield { rows, bytes: Buffer.concat(parts) };
}

/** A batch after the first begins with the comma that joins it to the one before; a chunk of its own has no such one. */
function inside({ bytes }: RowBatch): Buffer {
  return bytes[0] === COMMA ? bytes.subarray(1) : bytes;
}

function columnsOf({ columns }: QueryStream): object {
  return { columns: columns.map(({ name }) => name), column_types: columns.map(({ type }) => type) };
}

async function ending({ summary }: QueryStream): Promise<object> {
  const { rows, truncated, executionMs } = await summary;
  return { complete: true, total_rows: rows, truncated, execution_time_ms: executionMs };
}

function withRows(head: object, { bytes }: RowBatch): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(head).slice(0, -1)},"rows":[`), bytes, Buffer.from(']}')]);
}

function event(name: string, data: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`event: ${name}\ndata: `), Buffer.from(data), Buffer.from('\n\n')]);
}

function problemOf(error: unknown, { requestId, clock }: StreamAnswer): object {
  const known = foreseen(error);
  if (known === undefined) logger.error('A stream of rows broke', (error as Error).stack);
  const { code, message, details } = errorBodyOf(error);
  const status = known === undefined ? 500 : statusOf(known.kind);
  return problem(status, code, message, { requestId, now: clock.now() }, details);
}
