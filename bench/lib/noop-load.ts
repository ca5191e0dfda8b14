import type { Client } from 'pg';
import type { HttpClient } from './http-client';
import { pause } from './stats';

const TYPE = 'bench_noop';
/** Clients that ask at the same time. */
const CLIENTS = 16;
/** Operations that were asked for and are not done: past this the clients wait, so that work is done as fast as it is asked for. */
const MOST_OUTSTANDING = 200;
const LOOK_EVERY_MS = 100;

export interface Throughput {
  perSecond: number;
  seconds: number;
  completed: number;
  /** Milliseconds from the request's transaction to the end, of those that ended in that time. */
  p50Ms: number;
  p95Ms: number;
}

/** Clients that ask for one operation after another, and never run away from the work. */
export class NoopLoad {
  /** Both count from the first operation that there ever was. */
  private asked: number;
  private done: number;
  private stopped = false;
  private readonly clients: Promise<void>[];
  private readonly watcher: Promise<void>;

  private constructor(
    private readonly http: HttpClient,
    private readonly path: string,
    private readonly database: Client,
    before: number,
  ) {
    this.asked = this.done = before;
    this.clients = Array.from({ length: CLIENTS }, () => this.askAgainAndAgain());
    this.watcher = this.watch();
  }

  static async start(http: HttpClient, path: string, database: Client): Promise<NoopLoad> {
    return new NoopLoad(http, path, database, await completed(database));
  }

  /** What is completed during the next `ms`; the load goes on. */
  async measure(ms: number): Promise<Throughput> {
    const from = await this.now();
    await pause(ms);
    const { rows } = await this.database.query<{ seconds: number; n: number; p50: number; p95: number }>(
      `select extract(epoch from clock_timestamp() - $2::timestamptz)::float8 as seconds, count(*)::int as n,
         percentile_cont(0.5) within group (order by extract(epoch from ended_at - created_at))::float8 * 1000 as p50,
         percentile_cont(0.95) within group (order by extract(epoch from ended_at - created_at))::float8 * 1000 as p95
       from operation where type = $1 and status = 'completed' and ended_at >= $2::timestamptz`,
      [TYPE, from],
    );
    const [{ seconds, n, p50, p95 }] = rows;
    return { perSecond: n / seconds, seconds, completed: n, p50Ms: p50, p95Ms: p95 };
  }

  /** Asks for no more and waits until all is done. Throws what a client met. */
  async end(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.clients);
    await this.watcher;
  }

  private async askAgainAndAgain(): Promise<void> {
    while (!this.stopped) {
      if (this.asked - this.done >= MOST_OUTSTANDING) {
        await pause(5);
        continue;
      }
      this.asked += 1;
      await this.http.call('POST', this.path, {});
    }
  }

  private async watch(): Promise<void> {
    const deadline = () => performance.now() + 30_000;
    let until = deadline();
    while (!this.stopped || this.done < this.asked) {
      await pause(LOOK_EVERY_MS);
      const done = await completed(this.database);
      if (done > this.done) until = deadline();
      this.done = done;
      if (performance.now() > until) throw new Error(`Nothing was completed for 30 s (${this.done} of ${this.asked})`);
    }
  }

  private async now(): Promise<Date> {
    const { rows } = await this.database.query<{ now: Date }>('select clock_timestamp() as now');
    return rows[0].now;
  }
}

async function completed(database: Client): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    `select count(*)::int as n from operation where type = $1 and status = 'completed'`,
    [TYPE],
  );
  return rows[0].n;
}

/** Operations whose record is not exactly: one attempt, and five events numbered 1 to 5, the last of which is the end. */
export async function wrongRecords(database: Client): Promise<number> {
  const { rows } = await database.query<{ wrong: number }>(
    `select count(*)::int as wrong from operation o where type = $1 and not (
       status = 'completed' and last_sequence = 5
       and (select array_agg(type order by sequence) from operation_event e where e.operation_id = o.id) =
         '{queue_update,operation_started,operation_progress,operation_progress,operation_completed}'::text[]
       and (select array_agg(sequence order by sequence) from operation_event e where e.operation_id = o.id) = '{1,2,3,4,5}'
       and (select array_agg(outcome) from operation_attempt a where a.operation_id = o.id) = '{completed}'::text[])`,
    [TYPE],
  );
  return rows[0].wrong;
}
