import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { QUERY_ID } from '../common/ids';
import { Notifications } from '../database/notifications';
import { Transactor } from '../database/transactor';
import { NotYourQuery, QueryNotFound } from './queries.errors';
import { STATEMENT_KEPT } from './query-stats';
import { QUERY_KILLED, type RunningQuery, RunningQueries } from './running-queries';

/** Other processes hear of queries that run longer than this, so often. */
const TELL_MS = 1_000;
/** A process that was silent for so long is dead. */
const STALE = '15 seconds';

/** A running query, as others see it. */
export interface ListedQuery {
  id: string;
  statement: string;
  /** Null where its user is gone. */
  userId: string | null;
  startedAt: Date;
  elapsedMs: number;
  rows: number;
  /** Whether it runs in the process that was asked; what others run is seen once it took a second. */
  here: boolean;
}

/** The running queries of all processes: those of this one at once, those of others from a table of what takes long. */
@Injectable()
export class QueryBoard implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(QueryBoard.name);
  private readonly processId = randomUUID();
  private timer?: NodeJS.Timeout;
  private told = false;

  constructor(
    private readonly running: RunningQueries,
    private readonly transactor: Transactor,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.tell(), TELL_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    if (this.told) await this.write([]);
  }

  /** The running queries of a graph, oldest first. */
  async list(graphId: string): Promise<ListedQuery[]> {
    const here = [...this.running.all()].filter(({ origin }) => origin.graph.id === graphId).map(toListed);
    const elsewhere = await this.transactor.em.query<ListedQuery[]>(
      `select id, statement, user_id as "userId", started_at as "startedAt",
         extract(epoch from clock_timestamp() - started_at)::float8 * 1000 as "elapsedMs", rows::float8 as rows, false as here
       from running_query where graph_id = $1 and process_id <> $2 and seen_at > clock_timestamp() - $3::interval`,
      [graphId, this.processId, STALE],
    );
    return [...here, ...elsewhere].sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  }

  /** Ends a query, whichever process runs it: one's own, or any for admins of the graph. */
  async kill(actor: Actor, graph: GraphAccess, id: string): Promise<ListedQuery> {
    const query = QUERY_ID.test(id) ? (await this.list(graph.id)).find((one) => one.id === id) : undefined;
    if (query === undefined) throw new QueryNotFound();
    if (query.userId !== actor.userId && graph.role !== 'admin') throw new NotYourQuery();
    await this.transactor.run(async (em) => {
      await this.notifications.notify(em, QUERY_KILLED, id);
      const details = { graph_id: graph.id, user_id: query.userId };
      await this.audit.record(em, { actor, action: 'query.killed', target: id, orgId: graph.orgId, details });
    });
    // The news arrives here as well, but need not be waited for.
    this.running.kill(id);
    return query;
  }

  /** Tells the other processes what has been running for long; costs nothing while there is no such query. */
  async tell(): Promise<void> {
    const long = [...this.running.all()].filter(({ elapsedMs }) => elapsedMs >= TELL_MS);
    if (long.length === 0 && !this.told) return;
    this.told = long.length > 0;
    await this.write(long);
  }

  private async write(queries: RunningQuery[]): Promise<void> {
    const rows = queries.map((query) => ({ ...toListed(query), graphId: query.origin.graph.id }));
    try {
      await this.transactor.run(async (em) => {
        await em.query(
          `delete from running_query where process_id = $1 or seen_at < clock_timestamp() - $2::interval`,
          [this.processId, STALE],
        );
        await em.query(
          `insert into running_query (id, process_id, graph_id, user_id, statement, started_at, rows, seen_at)
           select id, $1, "graphId", "userId", statement, "startedAt", rows, clock_timestamp()
           from jsonb_to_recordset($2) as x (id text, "graphId" text, "userId" uuid, statement text,
             "startedAt" timestamptz, rows bigint)`,
          [this.processId, JSON.stringify(rows)],
        );
      });
    } catch (error) {
      this.logger.warn(`Other processes do not see the queries of this one: ${(error as Error).message}`);
    }
  }
}

function toListed(query: RunningQuery): ListedQuery {
  const { id, statement, userId } = query.origin;
  return {
    id,
    statement: statement.slice(0, STATEMENT_KEPT),
    userId,
    startedAt: query.startedAt,
    elapsedMs: query.elapsedMs,
    rows: query.received.rows,
    here: true,
  };
}
