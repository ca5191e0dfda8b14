import { Readable } from 'node:stream';
import type { QueryColumn } from '../engine/graph-engine';
import type { Row } from './row-batches';

/**
 * Rows as CSV (RFC 4180) with a line of names first. Absent values are empty, empty text is `""`, lists and objects are JSON
 * text. A failure half-way breaks the connection.
 */
export function csvOf(columns: QueryColumn[], batches: AsyncIterable<Row[]>): Readable {
  return Readable.from(csv(columns, batches), { objectMode: false });
}

async function* csv(columns: QueryColumn[], batches: AsyncIterable<Row[]>): AsyncGenerator<string> {
  const names = columns.map(({ name }) => name);
  yield `${names.map((name) => field(name)).join(',')}\r\n`;
  for await (const rows of batches) {
    yield rows.map((row) => `${names.map((name) => field(row[name])).join(',')}\r\n`).join('');
  }
}

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
