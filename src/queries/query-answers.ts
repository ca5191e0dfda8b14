import { Readable } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { errorBodyOf, problem, statusOf } from '../common/problem';
import type { QueryStream, RowBatch } from '../engine/graph-engine';

const logger = new Logger('QueryAnswers');
const COMMA = ','.charCodeAt(0);

/** The whole result as one JSON document; says `truncated` where rows or bytes ran into their limit. */
export async function jsonAnswer(
  stream: QueryStream,
  { graphId, maxBytes, now }: { graphId: string; maxBytes: number; now: Date },
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  let rows = 0;
  let cut = false;
  for await (const batch of stream.batches) {
    if (batch.rows === 0) continue;
    if (bytes + batch.bytes.length > maxBytes) {
      cut = true;
      break;
    }
    parts.push(batch.bytes);
    bytes += batch.bytes.length;
    rows += batch.rows;
  }
  // Leaving the loop early ends the query without a summary.
  const summary = cut ? { truncated: true, executionMs: null } : await stream.summary;
  const head = JSON.stringify({
    success: true,
    graph_id: graphId,
    columns: stream.columns.map((column) => column.name),
    column_types: stream.columns.map((column) => column.type),
    row_count: rows,
    truncated: summary.truncated,
    execution_time_ms: summary.executionMs,
    timestamp: now.toISOString(),
  });
  return Buffer.concat([Buffer.from(`${head.slice(0, -1)},"data":[`), ...parts, Buffer.from(']}')]);
}

/**
 * The result as lines of JSON, one for each batch, then one that says `complete`. A failure half-way is a last line with
 * the problem document, after which the connection ends without its proper close: no client can take it for the whole.
 */
export function ndjsonAnswer(stream: QueryStream, requestId: string, clock: Clock): Readable {
  return Readable.from(chunks(stream, requestId, clock), { objectMode: false });
}

async function* chunks(stream: QueryStream, requestId: string, clock: Clock): AsyncGenerator<Buffer> {
  const columns = {
    columns: stream.columns.map(({ name }) => name),
    column_types: stream.columns.map(({ type }) => type),
  };
  let index = 0;
  try {
    for await (const batch of stream.batches) {
      const head = JSON.stringify({ chunk_index: index, ...(index === 0 ? columns : {}), row_count: batch.rows });
      yield Buffer.concat([Buffer.from(`${head.slice(0, -1)},"rows":[`), inside(batch), Buffer.from(']}\n')]);
      index += 1;
    }
    const summary = await stream.summary;
    yield line({
      ...(index === 0 ? { ...columns, rows: [] } : {}),
      complete: true,
      total_rows: summary.rows,
      truncated: summary.truncated,
      execution_time_ms: summary.executionMs,
    });
  } catch (error) {
    if (!(error instanceof DomainError)) logger.error('A stream of rows broke', (error as Error).stack);
    const { code, message, details } = errorBodyOf(error);
    const status = error instanceof DomainError ? statusOf(error.kind) : 500;
    yield line({ error: problem(status, code, message, { requestId, now: clock.now() }, details) });
    throw error;
  }
}

/** A batch after the first begins with the comma that joins it to the one before; a line of its own has no such one. */
function inside({ bytes }: RowBatch): Buffer {
  return bytes[0] === COMMA ? bytes.subarray(1) : bytes;
}

function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
