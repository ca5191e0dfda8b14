import { Injectable, Logger } from '@nestjs/common';
import type { GraphAccess } from '../auth/access';
import { Clock } from '../common/clock';
import { GraphEngine, type PlanOperator, type QueryStream } from '../engine/graph-engine';
import { LiveGraphs } from '../graphs/live-graphs';
import { TierTable } from '../limits/tier-table';
import { Admission } from './admission';
import { CircuitBreaker } from './circuit-breaker';
import { type CypherQueryDto, DEFAULT_TIMEOUT_SECONDS } from './dto/cypher-query.dto';
import { QueriesConfig } from './queries.config';
import { type QueryOrigin, type RunningQuery, RunningQueries } from './running-queries';

export interface QueryOptions {
  parameters: Record<string, unknown>;
  /** Of the whole, waiting in line included. */
  timeoutMs: number;
  /** Cut the result after so many rows. */
  maxRows?: number;
  /** Rows in one batch. */
  batchRows?: number;
}

/** Runs statements of users against a graph's live generation, each in its turn. */
@Injectable()
export class QueriesService {
  private readonly logger = new Logger(QueriesService.name);
  private readonly admission: Admission;
  private readonly breaker: CircuitBreaker;

  constructor(
    private readonly live: LiveGraphs,
    private readonly engine: GraphEngine,
    private readonly running: RunningQueries,
    private readonly tiers: TierTable,
    private readonly config: QueriesConfig,
    clock: Clock,
  ) {
    const { concurrency, maxWaiting, breakerFailures, breakerSeconds } = config;
    this.admission = new Admission({
      total: concurrency,
      perOrg: Math.ceil(concurrency / 2),
      waiting: maxWaiting,
    });
    this.breaker = new CircuitBreaker({ failures: breakerFailures, pauseMs: breakerSeconds * 1000 }, () =>
      clock.now().getTime(),
    );
  }

  /** How long a query of a graph may take, and whether that is less than was asked for. */
  timeoutFor(graph: GraphAccess, { timeout }: CypherQueryDto): { seconds: number; capped: boolean } {
    const most = this.tiers.of(graph.tier).query_timeout_seconds;
    const wanted = timeout ?? Math.min(DEFAULT_TIMEOUT_SECONDS, most);
    return { seconds: Math.min(wanted, most), capped: wanted > most };
  }

  /** The tree in what EXPLAIN or PROFILE answered with. */
  readPlan(text: string): PlanOperator | undefined {
    return this.engine.readPlan(text);
  }

  /** Starts a query. Its rows come in batches of JSON objects separated by commas, as fast as they are read. */
  async run(origin: QueryOrigin, options: QueryOptions): Promise<QueryStream> {
    const graphId = origin.graph.id;
    const query = this.running.begin(origin);
    try {
      this.breaker.enter(graphId);
      const stream = await this.execute(query, options);
      this.breaker.observe(graphId);
      query.follow(stream);
      return stream;
    } catch (error) {
      if (this.breaker.observe(graphId, error)) this.logger.error(`The engine fails on ${graphId}: leaving it alone`);
      query.end(error);
      throw error;
    }
  }

  /** Holds its place until the engine has the whole result; how fast that is read is the reader's own affair. */
  private async execute(query: RunningQuery, { timeoutMs, ...options }: QueryOptions): Promise<QueryStream> {
    const { graph, statement } = query.origin;
    const limits = this.tiers.of(graph.tier);
    const entered = this.admission.admit(
      {
        orgId: graph.orgId,
        graphId: graph.id,
        concurrent: limits.concurrent_queries,
        waiting: limits.waiting_queries,
      },
      Math.min(timeoutMs, this.config.waitSeconds * 1000),
      query.signal,
    );
    const leave = entered instanceof Promise ? await entered : entered;
    try {
      const remainingMs = Math.max(1, Math.ceil(timeoutMs - query.elapsedMs));
      const request = { ...options, statement, format: 'json' as const, timeoutMs: remainingMs };
      return await this.engine.query(await this.live.resolve(graph.id), request, query.signal);
    } finally {
      leave();
    }
  }
}
