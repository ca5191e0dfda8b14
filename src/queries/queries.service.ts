import { Injectable } from '@nestjs/common';
import { QueryCancelled } from '../engine/engine.errors';
import type { GraphAccess } from '../auth/access';
import { GraphEngine, type QueryStream } from '../engine/graph-engine';
import { LiveGraphs } from '../graphs/live-graphs';
import { TierTable } from '../limits/tier-table';
import { type CypherQueryDto, DEFAULT_TIMEOUT_SECONDS } from './dto/cypher-query.dto';
import { QueryStats } from './query-stats';

export interface QueryOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** Cut the result after so many rows. */
  maxRows?: number;
  /** Rows in one batch. */
  batchRows?: number;
}

/** Runs statements of users against a graph's live generation. */
@Injectable()
export class QueriesService {
  constructor(
    private readonly live: LiveGraphs,
    private readonly engine: GraphEngine,
    private readonly stats: QueryStats,
    private readonly tiers: TierTable,
  ) {}

  /** How long a query of a graph may take, and whether that is less than was asked for. */
  timeoutFor(graph: GraphAccess, { timeout }: CypherQueryDto): { seconds: number; capped: boolean } {
    const most = this.tiers.of(graph.tier).query_timeout_seconds;
    const wanted = timeout ?? Math.min(DEFAULT_TIMEOUT_SECONDS, most);
    return { seconds: Math.min(wanted, most), capped: wanted > most };
  }

  /** Starts a query. Its rows come in batches of JSON objects separated by commas, as fast as they are read. */
  async run(
    graphId: string,
    request: CypherQueryDto,
    { signal, timeoutMs, maxRows, batchRows }: QueryOptions,
  ): Promise<QueryStream> {
    const started = performance.now();
    try {
      const stream = await this.engine.query(
        await this.live.resolve(graphId),
        {
          statement: request.query,
          parameters: request.parameters ?? {},
          format: 'json',
          timeoutMs,
          maxRows,
          batchRows,
        },
        signal,
      );
      stream.summary.then(
        () => this.stats.record(graphId, performance.now() - started, true),
        // Who stops reading has not met a failure.
        (error) => this.stats.record(graphId, performance.now() - started, error instanceof QueryCancelled),
      );
      return stream;
    } catch (error) {
      this.stats.record(graphId, performance.now() - started, false);
      throw error;
    }
  }
}
