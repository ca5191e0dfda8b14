import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';

const FLUSH_MS = 5_000;
const MS_PER_HOUR = 3_600_000;
/** Slow queries that are kept of each graph, the latest ones. */
export const SLOW_KEPT = 100;
/** Characters of a statement that are kept. */
export const STATEMENT_KEPT = 2_000;
/** While nothing can be written, so many are remembered. */
const SLOW_REMEMBERED = 1_000;

export interface QueryEnd {
  ms: number;
  rows: number;
  /** Of rows, as they came from the engine. */
  bytes: number;
  /** `completed`, or the code of the failure. */
  outcome: string;
}

export interface SlowQuery {
  id: string;
  graphId: string;
  userId: string | null;
  /** Without the values of its parameters. */
  statement: string;
  startedAt: Date;
  ms: number;
  rows: number;
  outcome: string;
}

interface Count {
  graph_id: string;
  /** Hours since the epoch. */
  hour: number;
  queries: number;
  failures: number;
  total_ms: number;
  max_ms: number;
  rows: number;
  bytes: number;
}

export interface GraphQueryStats {
  queries: number;
  failures: number;
  totalMs: number;
  maxMs: number;
  rows: number;
  bytes: number;
  averageMs: number;
  /** Failed queries by all queries, 0 to 1. */
  errorRate: number;
  lastQueryAt: Date | null;
}

/**
 * Counts queries by graph and hour: how many, how long, how many rows and bytes. Counted in memory and written every few
 * seconds: a crash loses seconds of counts, a graceful end none.
 */
@Injectable()
export class QueryStats implements OnApplicationBootstrap {
  private readonly logger = new Logger(QueryStats.name);
  private counts = new Map<string, Count>();
  private slow: SlowQuery[] = [];
  private timer?: NodeJS.Timeout;
  private flushing: Promise<void> | undefined;

  constructor(
    private readonly transactor: Transactor,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), FLUSH_MS);
  }

  /** Writes what is left; call it when no query runs any more. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  record(graphId: string, { ms, rows, bytes, outcome }: QueryEnd): void {
    const hour = Math.floor(this.clock.now().getTime() / MS_PER_HOUR);
    const failures = outcome === 'completed' ? 0 : 1;
    this.add({ graph_id: graphId, hour, queries: 1, failures, total_ms: ms, max_ms: ms, rows, bytes });
  }

  recordSlow(query: SlowQuery): void {
    this.slow.push({ ...query, statement: query.statement.slice(0, STATEMENT_KEPT) });
    if (this.slow.length > SLOW_REMEMBERED) this.slow.shift();
  }

  /** What happened in the last 24 hours, in all processes. */
  lastDay(graphId: string): Promise<GraphQueryStats> {
    return this.between(graphId, new Date(this.clock.now().getTime() - 24 * MS_PER_HOUR), this.clock.now());
  }

  /** What happened in the hours that begin after `from`, up to `to`, in all processes. */
  async between(graphId: string, from: Date, to: Date): Promise<GraphQueryStats> {
    await this.flush();
    const [row] = await this.transactor.em.query<
      [{ queries: string; failures: string; total_ms: number; max_ms: number; rows: string; bytes: string; last: Date }]
    >(
      `select coalesce(sum(queries), 0) as queries, coalesce(sum(failures), 0) as failures,
         coalesce(sum(total_ms), 0)::float8 as total_ms, coalesce(max(max_ms), 0)::float8 as max_ms,
         coalesce(sum(rows), 0) as rows, coalesce(sum(bytes), 0) as bytes, max(last_query_at) as last
       from query_stat where graph_id = $1 and hour > $2 and hour <= $3`,
      [graphId, from, to],
    );
    const queries = Number(row.queries);
    const failures = Number(row.failures);
    return {
      queries,
      failures,
      totalMs: row.total_ms,
      maxMs: row.max_ms,
      rows: Number(row.rows),
      bytes: Number(row.bytes),
      averageMs: queries === 0 ? 0 : row.total_ms / queries,
      errorRate: queries === 0 ? 0 : failures / queries,
      lastQueryAt: row.last,
    };
  }

  /** The latest slow queries of a graph, of all processes, latest first. */
  async slowest(graphId: string, limit: number, em = this.transactor.em): Promise<SlowQuery[]> {
    await this.flush();
    return em.query<SlowQuery[]>(
      `select id, graph_id as "graphId", user_id as "userId", statement, started_at as "startedAt", ms, rows::float8, outcome
       from slow_query where graph_id = $1 order by started_at desc, id desc limit $2`,
      [graphId, limit],
    );
  }

  /** Two who want to read at once share one write. */
  private flush(): Promise<void> {
    this.flushing ??= this.write().finally(() => (this.flushing = undefined));
    return this.flushing;
  }

  private async write(): Promise<void> {
    if (this.counts.size === 0 && this.slow.length === 0) return;
    const { counts, slow } = this;
    this.counts = new Map();
    this.slow = [];
    try {
      await this.transactor.run(async (em) => {
        const rows = [...counts.values()].map(({ hour, ...count }) => ({
          ...count,
          hour: new Date(hour * MS_PER_HOUR).toISOString(),
        }));
        await em.query(ADD_COUNTS, [JSON.stringify(rows)]);
        if (slow.length > 0) await em.query(ADD_SLOW, [JSON.stringify(slow), SLOW_KEPT]);
      });
    } catch (error) {
      this.logger.warn(`Query counts could not be written, later again: ${(error as Error).message}`);
      for (const count of counts.values()) this.add(count);
      this.slow = [...slow, ...this.slow].slice(-SLOW_REMEMBERED);
    }
  }

  private add(more: Count): void {
    const key = `${more.graph_id} ${more.hour}`;
    const count = this.counts.get(key);
    if (count === undefined) {
      this.counts.set(key, more);
      return;
    }
    count.queries += more.queries;
    count.failures += more.failures;
    count.total_ms += more.total_ms;
    count.max_ms = Math.max(count.max_ms, more.max_ms);
    count.rows += more.rows;
    count.bytes += more.bytes;
  }
}

const ADD_COUNTS = `insert into query_stat as old (graph_id, hour, queries, failures, total_ms, max_ms, rows, bytes, last_query_at)
  select graph_id, hour, queries, failures, total_ms, max_ms, rows, bytes, now()
  from jsonb_to_recordset($1) as x (graph_id text, hour timestamptz, queries int, failures int, total_ms float8,
    max_ms float8, rows bigint, bytes bigint)
  where exists (select from graph where graph.id = x.graph_id)
  on conflict (graph_id, hour) do update set queries = old.queries + excluded.queries,
    failures = old.failures + excluded.failures, total_ms = old.total_ms + excluded.total_ms,
    max_ms = greatest(old.max_ms, excluded.max_ms), rows = old.rows + excluded.rows, bytes = old.bytes + excluded.bytes,
    last_query_at = excluded.last_query_at`;

const ADD_SLOW = `with added as (
    insert into slow_query (id, graph_id, user_id, statement, started_at, ms, rows, outcome)
    select distinct on (id) id, "graphId", "userId", statement, "startedAt", ms, rows, outcome
    from jsonb_to_recordset($1) as x (id text, "graphId" text, "userId" uuid, statement text, "startedAt" timestamptz,
      ms float8, rows bigint, outcome text)
    where exists (select from graph where graph.id = x."graphId")
    order by id, "startedAt" desc
    -- An operation has one id, however often it is tried; its last try counts.
    on conflict (id) do update set started_at = excluded.started_at, ms = excluded.ms, rows = excluded.rows,
      outcome = excluded.outcome
    returning graph_id
  )
  delete from slow_query old using (
    select id, row_number() over (partition by graph_id order by started_at desc, id desc) as place
    from slow_query where graph_id in (select graph_id from added)
  ) as ranked
  where old.id = ranked.id and ranked.place > $2`;
