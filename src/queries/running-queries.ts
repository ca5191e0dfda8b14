import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { GraphAccess } from '../auth/access';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { QueryCancelled, QueryKilled } from '../engine/engine.errors';
import type { QueryStream } from '../engine/graph-engine';
import { Notifications } from '../database/notifications';
import { NoPlaceYet } from './queries.errors';
import { QueriesConfig } from './queries.config';
import { QueryStats } from './query-stats';

/** Sent with a query's id to whichever process runs it. */
export const QUERY_KILLED = 'query_killed';
const SHUTDOWN_WAIT_MS = 5_000;

export interface QueryOrigin {
  id: string;
  graph: Pick<GraphAccess, 'id' | 'orgId' | 'tier'>;
  /** Null where its user is gone. */
  userId: string | null;
  statement: string;
  /** Nobody wants it any more; the reason says why, where it is a `DomainError`, and else its sender left. */
  signal: AbortSignal;
}

/** One query of this process, from its arrival to its last row. */
export class RunningQuery {
  readonly startedAt: Date;
  private readonly abort = new AbortController();
  private readonly started = performance.now();
  private stream: QueryStream | undefined;

  constructor(
    readonly origin: QueryOrigin,
    now: Date,
    private readonly onEnd: (query: RunningQuery, error: unknown) => void,
  ) {
    this.startedAt = now;
    const { signal } = origin;
    const left = (): void => this.stop(signal.reason instanceof DomainError ? signal.reason : new QueryCancelled());
    if (signal.aborted) left();
    else signal.addEventListener('abort', left, { once: true });
  }

  /** Aborts, with the error that the query is to fail with, when it is not wanted any more. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  stop(error: DomainError): void {
    this.abort.abort(error);
  }

  get elapsedMs(): number {
    return performance.now() - this.started;
  }

  get received(): Readonly<{ rows: number; bytes: number }> {
    return this.stream?.received ?? { rows: 0, bytes: 0 };
  }

  /** Ends with the stream. */
  follow(stream: QueryStream): void {
    this.stream = stream;
    stream.summary.then(
      () => this.end(),
      (error: unknown) => this.end(error),
    );
  }

  end(error?: unknown): void {
    this.onEnd(this, error);
  }
}

/** The queries that run in this process; counts them when they end. */
@Injectable()
export class RunningQueries implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(RunningQueries.name);
  private readonly queries = new Map<string, RunningQuery>();
  private onEmpty: (() => void) | undefined;

  constructor(
    private readonly stats: QueryStats,
    private readonly notifications: Notifications,
    private readonly clock: Clock,
    private readonly config: QueriesConfig,
  ) {}

  async onModuleInit(): Promise<void> {
    (await this.notifications.listen(QUERY_KILLED)).subscribe((id) => this.kill(id));
  }

  /** What still runs may end, so that it is counted. */
  async onApplicationShutdown(): Promise<void> {
    if (this.queries.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.onEmpty = resolve;
        timer = setTimeout(resolve, SHUTDOWN_WAIT_MS);
      });
      clearTimeout(timer);
    }
    await this.stats.close();
  }

  begin(origin: QueryOrigin): RunningQuery {
    const query = new RunningQuery(origin, this.clock.now(), (ended, error) => this.ended(ended, error));
    this.queries.set(origin.id, query);
    return query;
  }

  get(id: string): RunningQuery | undefined {
    return this.queries.get(id);
  }

  all(): Iterable<RunningQuery> {
    return this.queries.values();
  }

  /** Ends a query if it runs here: its sender gets `query_killed`, its host is given 1.5 s to stop. */
  kill(id: string): boolean {
    const query = this.queries.get(id);
    query?.stop(new QueryKilled());
    return query !== undefined;
  }

  private ended(query: RunningQuery, error: unknown): void {
    const { id, graph, userId, statement } = query.origin;
    if (!this.queries.delete(id)) return;
    // It goes on as an operation, which is counted.
    if (error instanceof NoPlaceYet) return this.tellIfEmpty();
    const ms = query.elapsedMs;
    const { rows, bytes } = query.received;
    const outcome = outcomeOf(error);
    this.stats.record(graph.id, { ms, rows, bytes, outcome });
    if (ms >= this.config.slowMs) {
      this.stats.recordSlow({
        id,
        graphId: graph.id,
        userId,
        statement,
        startedAt: query.startedAt,
        ms,
        rows,
        outcome,
      });
      this.logger.debug(`Slow query ${id} of ${graph.id}: ${Math.round(ms)} ms`);
    }
    this.tellIfEmpty();
  }

  private tellIfEmpty(): void {
    if (this.queries.size === 0) this.onEmpty?.();
  }
}

/** `completed`, or the code of what it failed with. Who stops reading has not met a failure. */
function outcomeOf(error: unknown): string {
  if (error === undefined || error instanceof QueryCancelled) return 'completed';
  return error instanceof DomainError ? error.code : 'internal_error';
}
