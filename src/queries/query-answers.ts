import type { QueryStream } from '../engine/graph-engine';
import { type Notice, noticed } from './notices';

/** The whole result as one JSON document; says `truncated` where rows or bytes ran into their limit. */
export async function jsonAnswer(
  stream: QueryStream,
  { graphId, maxBytes, now, notices }: { graphId: string; maxBytes: number; now: Date; notices: Notice[] },
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
    ...noticed(notices),
  });
  return Buffer.concat([Buffer.from(`${head.slice(0, -1)},"data":[`), ...parts, Buffer.from(']}')]);
}
