import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { Transactor } from '../database/transactor';
import type { Operation } from '../operations/operation.entity';
import { isTerminal } from '../operations/operation-transitions';
import { OperationsService } from '../operations/operations.service';
import { ObjectStore } from '../storage/object-store';
import { arrowOf } from './arrow-answers';
import { csvOf } from './csv-answers';
import { ParquetAnswers } from './parquet-answers';
import type { CypherQueryDto, ResultFormat } from './dto/cypher-query.dto';
import { QueriesConfig } from './queries.config';
import { NotYourQuery, QueryNotFound } from './queries.errors';
import { QueriesService } from './queries.service';
import { QueryResultExpired, QueryResultNotFound, QueryResultNotReady } from './query-results.errors';
import { ExecuteQuery } from './query-results.operations';
import { QueryResultsRepository, type StoredQuery } from './query-results.repository';
import { storedRows } from './row-batches';
import { pageOfLines } from './result-lines';
import { BYTES_PER_MB } from '../common/units';

/** Queries of one graph that may run or wait as operations before others have to come again. */
const MOST_INSTEAD = 10;

/** A query whose result is there. */
type Ready = StoredQuery &
  Required<{ [F in 'columns' | 'rowCount' | 'objectKey' | 'expiresAt']: NonNullable<StoredQuery[F]> }>;

/** Queries that run as operations: asked for, and their results read. */
@Injectable()
export class QueryResultsService {
  constructor(
    private readonly transactor: Transactor,
    private readonly operations: OperationsService,
    private readonly queries: QueriesService,
    private readonly results: QueryResultsRepository,
    private readonly objects: ObjectStore,
    private readonly parquet: ParquetAnswers,
    private readonly config: QueriesConfig,
  ) {}

  async request(actor: Actor, graph: GraphAccess, body: CypherQueryDto): Promise<Operation> {
    const { seconds: timeoutSeconds } = this.queries.timeoutFor(graph, body);
    return this.transactor.run(async (em) => {
      const { id: graphId, orgId } = graph;
      const operation = await this.operations.begin(em, ExecuteQuery, {
        actor,
        orgId,
        graphId,
        payload: { timeoutSeconds },
      });
      const { query: statement, parameters } = body;
      await this.results.insert(em, { operationId: operation.id, graphId, statement, parameters: parameters ?? {} });
      return operation;
    });
  }

  /**
   * The same for a query whose place did not come free in time. Throws `refusal` where a graph has many such already:
   * operations are no way around its limits.
   */
  async requestInstead(actor: Actor, graph: GraphAccess, body: CypherQueryDto, refusal: Error): Promise<Operation> {
    if ((await this.results.unfinished(graph.id)) >= MOST_INSTEAD) throw refusal;
    return this.request(actor, graph, body);
  }

  /**
   * Ends a query that waits or runs as an operation: one's own, or any for admins of the graph. Throws
   * {@link QueryNotFound} where there is none or it has ended, and {@link NotYourQuery}.
   */
  async cancel(actor: Actor, graph: GraphAccess, operationId: string): Promise<Operation> {
    const query = await this.results.find(operationId);
    if (query?.graphId !== graph.id) throw new QueryNotFound();
    const { userId, status } = await this.operations.get(operationId);
    if (isTerminal(status)) throw new QueryNotFound();
    if (userId !== actor.userId && graph.role !== 'admin') throw new NotYourQuery();
    return this.operations.cancel(actor, operationId);
  }

  /** A page of a result as one JSON document. Throws what {@link ready} throws. */
  async page(
    graphId: string,
    operationId: string,
    { offset, limit }: { offset: number; limit: number },
  ): Promise<Buffer> {
    const query = await this.ready(graphId, operationId);
    const { start, rowsBefore } = await this.results.placeOf(operationId, offset);
    const source = await this.objects.get(query.objectKey, { start });
    const maxBytes = this.config.jsonMaxMb * BYTES_PER_MB;
    const { rows, bytes } = await pageOfLines(source, { offset: offset - rowsBefore, limit, maxBytes });
    source.destroy();
    const next = offset + rows;
    const head = JSON.stringify({
      operation_id: operationId,
      graph_id: graphId,
      columns: query.columns.map(({ name }) => name),
      column_types: query.columns.map(({ type }) => type),
      total_rows: query.rowCount,
      truncated: query.truncated,
      offset,
      row_count: rows,
      next_offset: next < query.rowCount ? next : null,
      expires_at: query.expiresAt.toISOString(),
    });
    return Buffer.concat([Buffer.from(`${head.slice(0, -1)},"data":[`), bytes, Buffer.from(']}')]);
  }

  /**
   * The whole result: NDJSON with one row a line, CSV, an Arrow stream, or a Parquet file. Throws what {@link ready} and
   * {@link ParquetAnswers} throw.
   */
  async download(graphId: string, operationId: string, format: ResultFormat, signal: AbortSignal): Promise<Readable> {
    const { objectKey, columns } = await this.ready(graphId, operationId);
    if (format === 'parquet') return this.parquet.ofStored(columns, objectKey, signal);
    const lines = await this.objects.get(objectKey);
    if (format === 'csv') return csvOf(columns, storedRows(lines));
    return format === 'arrow' ? arrowOf(columns, storedRows(lines)) : lines;
  }

  /** Throws {@link QueryResultNotFound}, {@link QueryResultNotReady}, {@link QueryResultExpired}. */
  private async ready(graphId: string, operationId: string): Promise<Ready> {
    const query = await this.results.find(operationId);
    if (!query || query.graphId !== graphId) throw new QueryResultNotFound(operationId);
    if (query.expiredAt ?? (query.expiresAt && query.expiresAt <= new Date())) {
      throw new QueryResultExpired(operationId, query.expiredAt ?? query.expiresAt!);
    }
    if (query.objectKey === null) throw new QueryResultNotReady(await this.operations.get(operationId));
    return query as Ready;
  }
}
