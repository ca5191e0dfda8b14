import { Readable } from 'node:stream';
import type { QueryColumn, QueryStream } from '../engine/graph-engine';
import { chunksOf } from './stream-answers';

const CHUNK_ROWS = 2_000;
const LINE_FEED = 10;

type Row = Record<string, unknown>;

/**
 * The result as CSV (RFC 4180) with a line of names first. Absent values are empty, empty text is `""`, lists and objects
 * are JSON text. A failure half-way ends the connection without its proper close.
 */
export function csvAnswer(stream: QueryStream): Readable {
  return Readable.from(csv(stream.columns, rowsOf(stream)), { objectMode: false });
}

/** The same of rows that are stored as NDJSON. */
export function csvOfLines(columns: QueryColumn[], lines: AsyncIterable<Buffer>): Readable {
  return Readable.from(csv(columns, storedRows(lines)), { objectMode: false });
}

async function* csv(columns: QueryColumn[], batches: AsyncIterable<Row[]>): AsyncGenerator<string> {
  const names = columns.map(({ name }) => name);
  yield `${names.map((name) => field(name)).join(',')}\r\n`;
  for await (const rows of batches) {
    yield rows.map((row) => `${names.map((name) => field(row[name])).join(',')}\r\n`).join('');
  }
}

async function* rowsOf(stream: QueryStream): AsyncGenerator<Row[]> {
  for await (const { bytes } of chunksOf(stream, CHUNK_ROWS)) yield JSON.parse(`[${bytes.toString()}]`) as Row[];
}

async function* storedRows(source: AsyncIterable<Buffer>): AsyncGenerator<Row[]> {
  let begun: Buffer[] = [];
  for await (const chunk of source) {
    const end = chunk.lastIndexOf(LINE_FEED);
    if (end < 0) {
      begun.push(chunk);
      continue;
    }
    const lines = Buffer.concat([...begun, chunk.subarray(0, end)]).toString();
    begun = [chunk.subarray(end + 1)];
    yield lines.split('\n').map((line) => JSON.parse(line) as Row);
  }
}

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
