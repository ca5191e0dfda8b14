import type { QueryStream } from '../engine/graph-engine';
import { chunksOf } from './stream-answers';

const CHUNK_ROWS = 2_000;
const LINE_FEED = 10;

export type Row = Record<string, unknown>;

/** The rows of a running query, some at a time. */
export async function* rowsOf(stream: QueryStream): AsyncGenerator<Row[]> {
  for await (const { bytes } of chunksOf(stream, CHUNK_ROWS)) yield JSON.parse(`[${bytes.toString()}]`) as Row[];
}

/** Rows that are stored as NDJSON, some at a time. */
export async function* storedRows(source: AsyncIterable<Buffer>): AsyncGenerator<Row[]> {
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
