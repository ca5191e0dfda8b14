import { Injectable, Logger } from '@nestjs/common';
import type { GraphAccess } from '../auth/access';
import { Clock } from '../common/clock';
import { EngineBusy } from '../engine/engine.errors';
import { GraphEngine, type PlanOperator, type QueryRequest, type QueryStream } from '../engine/graph-engine';
import { LiveGraphs } from '../graphs/live-graphs';
import { TierTable } from '../limits/tier-table';
import { Admission } from './admission';
import { CircuitBreaker } from './circuit-breaker';
import { type CypherQueryDto, DEFAULT_TIMEOUT_SECONDS } from './dto/cypher-query.dto';
import { QueriesConfig } from './queries.config';
import { NoPlaceYet, TooManyQueries } from './queries.errors';
import { type QueryOrigin, type RunningQuery, RunningQueries } from './running-queries';

export interface QueryOptions {
  parameters: Record<string, unknown>;
  /** Of the whole, waiting in line included. */
  timeoutMs: number;
  /** Cut the result after so many rows. */
  maxRows?: number;
  /** Rows in one batch. */
  batchRows?: number;
  /** See {@link QueryRequest.toFile}. */
  toFile?: boolean;
  /** `json` (the default): batches join to the inside of an array; `ndjson`: a line for each row. */
  format?: QueryRequest['format'];
  /** Whoever would rather have an operation than wait longer for a place gets {@link NoPlaceYet}. */
  patienceMs?: number;
  /** Yields to those who stand at the door. It waits as long as it must, and its time begins with its place. */
  background?: boolean;
}

/** Half of the connections that a host has unless configured otherwise. */
const BACKGROUND_PER_GRAPH = 2;
/** Longer than an operation may take: its own end comes first. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

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
      background: { total: Math.ceil(concurrency / 2), perGraph: BACKGROUND_PER_GRAPH },
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
  private async execute(query: RunningQuery, options: QueryOptions): Promise<QueryStream> {
    const { graph, statement } = query.origin;
    const { timeoutMs, parameters, maxRows, batchRows, toFile, format = 'json', background } = options;
    const entered = this.enter(query, options);
    const leave = entered instanceof Promise ? await entered : entered;
    try {
      const remainingMs = background ? timeoutMs : Math.max(1, Math.ceil(timeoutMs - query.elapsedMs));
      const request = { statement, parameters, maxRows, batchRows, toFile, format, timeoutMs: remainingMs };
      return await this.engine.query(await this.live.resolve(graph.id), request, query.signal);
    } finally {
      leave();
    }
  }

  private enter(
    { origin: { graph }, signal }: RunningQuery,
    { timeoutMs, patienceMs = Infinity, background }: QueryOptions,
  ): (() => void) | Promise<() => void> {
    const { concurrent_queries: concurrent, waiting_queries: waiting } = this.tiers.of(graph.tier);
    const place = { orgId: graph.orgId, graphId: graph.id, concurrent, waiting, background };
    const longestMs = Math.min(timeoutMs, this.config.waitSeconds * 1000);
    const waitMs = background ? LONGEST_WAIT_MS : Math.min(longestMs, patienceMs);
    const entered = this.admission.admit(place, waitMs, signal);
    if (!(entered instanceof Promise) || patienceMs >= longestMs) return entered;
    return entered.catch((error: unknown) => {
      throw error instanceof TooManyQueries || error instanceof EngineBusy ? new NoPlaceYet(error) : error;
    });
  }
}
