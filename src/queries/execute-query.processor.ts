import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isConnectionError } from '../common/lost-connection';
import { QueryKilled } from '../engine/engine.errors';
import type { QueryStream } from '../engine/graph-engine';
import { GraphsService } from '../graphs/graphs.service';
import { OperationCancelled } from '../jobs/abort-reasons';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { TierTable } from '../limits/tier-table';
import type { Operation } from '../operations/operation.entity';
import { ObjectStore } from '../storage/object-store';
import { QueriesConfig } from './queries.config';
import { QueriesService } from './queries.service';
import { QueryResultNotFound } from './query-results.errors';
import { ExecuteQuery, type ExecuteQueryPayload } from './query-results.operations';
import { INDEX_ROWS, QueryResultsRepository } from './query-results.repository';
import { BYTES_PER_MB } from '../common/units';

/** Everything below it is a stored result: `query-results/<operation>/<attempt>.ndjson`. */
export const RESULTS = 'query-results/';

/** Statement -> the whole result as NDJSON in the object store, one line for each row. */
@Injectable()
@HandlesOperation(ExecuteQuery)
export class ExecuteQueryProcessor extends OperationProcessor<typeof ExecuteQuery> {
  constructor(
    private readonly results: QueryResultsRepository,
    private readonly queries: QueriesService,
    private readonly graphs: GraphsService,
    private readonly tiers: TierTable,
    private readonly objects: ObjectStore,
    private readonly config: QueriesConfig,
  ) {
    super();
  }

  async run({ timeoutSeconds }: ExecuteQueryPayload, ctx: OperationContext): Promise<object> {
    const query = await this.results.find(ctx.operationId);
    if (!query) throw new QueryResultNotFound(ctx.operationId);
    ctx.progress(1, 'Running the statement');
    const { id, orgId, tier } = await this.graphs.get(query.graphId);
    const { statement, parameters } = query;
    const stream = await this.queries.run(
      { id: ctx.operationId, graph: { id, orgId, tier }, userId: ctx.userId, statement, signal: killedBy(ctx.signal) },
      {
        parameters,
        timeoutMs: timeoutSeconds * 1_000,
        maxRows: this.tiers.of(tier).kept_rows,
        batchRows: INDEX_ROWS,
        format: 'ndjson',
        background: true,
      },
    );
    // A name of its own for each attempt: one that comes too late cannot touch what another one published.
    const objectKey = `${RESULTS}${ctx.operationId}/${ctx.attempt}.ndjson`;
    const lineOffsets: number[] = [];
    const lines = Readable.from(linesOf(stream, ctx, lineOffsets), { objectMode: false });
    const { bytes } = await this.objects.put(objectKey, lines, {
      maxBytes: this.config.resultMaxMb * BYTES_PER_MB,
      signal: ctx.signal,
    });
    const { rows, truncated, executionMs } = await stream.summary;
    const { columns } = stream;
    try {
      return await ctx.transaction(async (em) => {
        const published = { columns, rowCount: rows, truncated, bytes, objectKey, lineOffsets };
        const expiresAt = await this.results.publish(em, ctx.operationId, published, this.config.resultHours);
        const result = {
          graph_id: query.graphId,
          columns: columns.map(({ name }) => name),
          column_types: columns.map(({ type }) => type),
          row_count: rows,
          truncated,
          bytes,
          execution_time_ms: executionMs,
          expires_at: expiresAt.toISOString(),
          result_url: `/v1/graphs/${query.graphId}/queries/${ctx.operationId}/result`,
        };
        await ctx.keepResult(em, result);
        return result;
      });
    } catch (error) {
      // With its connection goes the answer whether it was committed; the sensor clears up what nobody names.
      if (!isConnectionError(error)) await this.objects.delete(objectKey);
      throw error;
    }
  }

  protected override async beforeRetry(em: EntityManager, _payload: object, { id, retryOf }: Operation): Promise<void> {
    if (!(await this.results.copy(em, retryOf!, id))) throw new QueryResultNotFound(retryOf!);
  }
}

/** Cancelling the operation is a kill: where the engine does not stop for less, its process is ended. */
function killedBy(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = (): void =>
    controller.abort(signal.reason instanceof OperationCancelled ? new QueryKilled() : signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return controller.signal;
}

/** Notes where each {@link INDEX_ROWS}th line begins: no batch crosses such a line. */
async function* linesOf(stream: QueryStream, ctx: OperationContext, lineOffsets: number[]): AsyncGenerator<Buffer> {
  let rows = 0;
  let bytes = 0;
  for await (const batch of stream.batches) {
    if (batch.rows > 0 && rows % INDEX_ROWS === 0) lineOffsets.push(bytes);
    yield batch.bytes;
    bytes += batch.bytes.length;
    rows += batch.rows;
    ctx.progress(null, `${rows} rows`, { rows });
  }
}
