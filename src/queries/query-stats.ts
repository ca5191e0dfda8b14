import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';

const FLUSH_MS = 5_000;
const MS_PER_HOUR = 3_600_000;

interface Count {
  queries: number;
  failures: number;
  totalMs: number;
}

export interface GraphQueryStats {
  queries: number;
  averageMs: number;
  /** Failed queries by all queries, 0 to 1. */
  errorRate: number;
  lastQueryAt: Date | null;
}

/** Counts queries by graph and hour. Counted in memory, written every few seconds: a crash loses seconds of counts. */
@Injectable()
export class QueryStats implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(QueryStats.name);
  private counts = new Map<string, Count>();
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly transactor: Transactor,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), FLUSH_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  record(graphId: string, ms: number, ok: boolean): void {
    const hour = Math.floor(this.clock.now().getTime() / MS_PER_HOUR);
    const key = `${graphId} ${hour}`;
    const count = this.counts.get(key) ?? { queries: 0, failures: 0, totalMs: 0 };
    count.queries += 1;
    count.totalMs += ms;
    if (!ok) count.failures += 1;
    this.counts.set(key, count);
  }

  /** What happened in the last 24 hours, in all processes. */
  async lastDay(graphId: string): Promise<GraphQueryStats> {
    await this.flush();
    const [row] = await this.transactor.em.query<
      [{ queries: string; failures: string; total_ms: number; last: Date | null }]
    >(
      `select coalesce(sum(queries), 0) as queries, coalesce(sum(failures), 0) as failures,
         coalesce(sum(total_ms), 0)::float8 as total_ms, max(last_query_at) as last
       from query_stat where graph_id = $1 and hour > now() - interval '24 hours'`,
      [graphId],
    );
    const queries = Number(row.queries);
    return {
      queries,
      averageMs: queries === 0 ? 0 : row.total_ms / queries,
      errorRate: queries === 0 ? 0 : Number(row.failures) / queries,
      lastQueryAt: row.last,
    };
  }

  private async flush(): Promise<void> {
    if (this.counts.size === 0) return;
    const batch = this.counts;
    this.counts = new Map();
    try {
      const rows = [...batch].map(([key, count]) => {
        const [graphId, hour] = key.split(' ');
        return { graph_id: graphId, hour: new Date(Number(hour) * MS_PER_HOUR).toISOString(), ...count };
      });
      await this.transactor.em.query(
        `insert into query_stat (graph_id, hour, queries, failures, total_ms, last_query_at)
         select graph_id, hour, queries, failures, "totalMs", now()
         from jsonb_to_recordset($1) as x (graph_id text, hour timestamptz, queries int, failures int, "totalMs" float8)
         where exists (select from graph where graph.id = x.graph_id)
         on conflict (graph_id, hour) do update set queries = query_stat.queries + excluded.queries,
           failures = query_stat.failures + excluded.failures, total_ms = query_stat.total_ms + excluded.total_ms,
           last_query_at = excluded.last_query_at`,
        [JSON.stringify(rows)],
      );
    } catch (error) {
      this.logger.warn(`Query counts could not be written and are lost: ${(error as Error).message}`);
    }
  }
}
