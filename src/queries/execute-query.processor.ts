import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isConnectionError } from '../database/passing-failures';
import { GraphEngine, type QueryStream } from '../engine/graph-engine';
import { LiveGraphs } from '../graphs/live-graphs';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { ObjectStore } from '../storage/object-store';
import { QueriesConfig } from './queries.config';
import { QueryResultNotFound } from './query-results.errors';
import { ExecuteQuery, type ExecuteQueryPayload } from './query-results.operations';
import { QueryResultsRepository } from './query-results.repository';

const BYTES_PER_MB = 1_048_576;
/** Everything below it is a stored result: `query-results/<operation>/<attempt>.ndjson`. */
export const RESULTS = 'query-results/';

/** Statement -> the whole result as NDJSON in the object store, one line for each row. */
@Injectable()
@HandlesOperation(ExecuteQuery)
export class ExecuteQueryProcessor extends OperationProcessor<typeof ExecuteQuery> {
  constructor(
    private readonly results: QueryResultsRepository,
    private readonly live: LiveGraphs,
    private readonly engine: GraphEngine,
    private readonly objects: ObjectStore,
    private readonly config: QueriesConfig,
  ) {
    super();
  }

  async run({ timeoutSeconds }: ExecuteQueryPayload, ctx: OperationContext): Promise<object> {
    const query = await this.results.find(ctx.operationId);
    if (!query) throw new QueryResultNotFound(ctx.operationId);
    ctx.progress(1, 'Running the statement');
    const stream = await this.engine.query(
      await this.live.resolve(query.graphId),
      {
        statement: query.statement,
        parameters: query.parameters,
        format: 'ndjson',
        timeoutMs: timeoutSeconds * 1_000,
      },
      ctx.signal,
    );
    // A name of its own for each attempt: one that comes too late cannot touch what another one published.
    const objectKey = `${RESULTS}${ctx.operationId}/${ctx.attempt}.ndjson`;
    const { bytes } = await this.objects.put(objectKey, Readable.from(linesOf(stream, ctx), { objectMode: false }), {
      maxBytes: this.config.resultMaxMb * BYTES_PER_MB,
      signal: ctx.signal,
    });
    const { rows, executionMs } = await stream.summary;
    const { columns } = stream;
    try {
      return await ctx.transaction(async (em) => {
        const published = { columns, rowCount: rows, bytes, objectKey };
        const expiresAt = await this.results.publish(em, ctx.operationId, published, this.config.resultHours);
        const result = {
          graph_id: query.graphId,
          columns: columns.map(({ name }) => name),
          column_types: columns.map(({ type }) => type),
          row_count: rows,
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

async function* linesOf(stream: QueryStream, ctx: OperationContext): AsyncGenerator<Buffer> {
  let rows = 0;
  for await (const batch of stream.batches) {
    yield batch.bytes;
    rows += batch.rows;
    ctx.progress(null, `${rows} rows`, { rows });
  }
}
