import type { Connection, LbugValue, PreparedStatement, QueryResult } from '@ladybugdb/core';
import { acyclicStatement } from './acyclic-statement';
import { crashesEngine, forbiddenInPlan, losesRows } from './plan-guard';
import { explainOf, withoutStarCount } from './statement-guard';
import { HostFailure } from './messages';
import { isDistinctUnion, unionColumns } from './union-columns';

/** Statements kept prepared by each connection. */
const PREPARED_PER_LANE = 64;
/**
 * A statement that takes less is run by the host's own thread: handing it to another one and being told of its end would
 * take as long as the statement, and half as much CPU time again.
 */
const INLINE_BELOW_MS = 0.5;
/** One that takes longer than it used to is stopped after this and handed over: nothing else is heard meanwhile. */
const INLINE_TIMEOUT_MS = 10;
/** Share of the latest run in what a statement is thought to take. */
const LATEST = 1 / 8;

type Parameters = Record<string, LbugValue>;

interface Prepared {
  statement: PreparedStatement;
  /** What it takes, as far as known. */
  ms: number;
}

/** One connection. It runs one query at a time, as a prepared statement must not be executed twice at once. */
export class Lane {
  busy = false;
  private readonly prepared = new Map<string, Prepared>();

  constructor(readonly connection: Connection) {}

  has(statement: string): boolean {
    return this.prepared.has(statement);
  }

  /** Prepares, judges and runs a statement. Judgements are remembered together with the prepared statement. */
  async execute(statement: string, parameters: Parameters, timeoutMs: number): Promise<QueryResult> {
    this.connection.setQueryTimeout(timeoutMs);
    const prepared = this.prepared.get(statement) ?? {
      statement: await this.prepare(statement, parameters),
      ms: Infinity,
    };
    this.prepared.delete(statement);
    this.prepared.set(statement, prepared);
    if (this.prepared.size > PREPARED_PER_LANE) this.prepared.delete(this.prepared.keys().next().value as string);
    const result = single(await this.connection.execute(prepared.statement, parameters));
    prepared.ms = engineMs(result);
    return result;
  }

  /** Runs a statement that is known to be quick, by this thread. Undefined where it is not, or not any more. */
  executeInline(statement: string, parameters: Parameters, timeoutMs: number): QueryResult | undefined {
    const prepared = this.prepared.get(statement);
    if (prepared === undefined || prepared.ms >= INLINE_BELOW_MS) return undefined;
    const started = performance.now();
    this.connection.setQueryTimeout(Math.min(timeoutMs, INLINE_TIMEOUT_MS));
    try {
      const result = single(this.connection.executeSync(prepared.statement, parameters));
      prepared.ms += (performance.now() - started - prepared.ms) * LATEST;
      return result;
    } catch (error) {
      if (!isInterruption(error)) throw error;
      prepared.ms = Infinity;
      return undefined;
    }
  }

  /** Throws what speaks against a statement of a user that is then run as it is, in no other words. */
  async judge(statement: string): Promise<void> {
    await this.prepare(statement, {});
    if (losesRows(await this.planOf(statement, {}))) {
      throw new HostFailure(
        'query_invalid',
        'The engine would lose rows where a condition closes a circle of relationships',
      );
    }
  }

  /** Runs a statement of the platform itself, without judging it, and returns its rows; only for few. */
  async run(statement: string, parameters: Parameters = {}, timeoutMs?: number): Promise<Record<string, LbugValue>[]> {
    if (timeoutMs !== undefined) this.connection.setQueryTimeout(timeoutMs);
    const result = single(await this.connection.execute(await this.prepareOne(statement), parameters));
    try {
      return result.getAllSync();
    } finally {
      result.close();
    }
  }

  private async prepare(statement: string, parameters: Parameters): Promise<PreparedStatement> {
    const prepared = await this.prepareOne(statement);
    if (!prepared.isReadOnly()) throw new HostFailure('write_refused', '');
    const plan = await this.planOf(statement, parameters);
    const forbidden = forbiddenInPlan(plan);
    if (forbidden !== undefined) throw new HostFailure('statement_refused', forbidden);
    if (losesRows(plan)) return this.prepareAcyclic(statement, parameters);
    if (isDistinctUnion(statement)) return this.prepareUnion(statement);
    return crashesEngine(plan) ? this.prepareOtherwise(statement, parameters) : prepared;
  }

  /** The engine would lose rows, so it gets the same question in other words. */
  private async prepareAcyclic(statement: string, parameters: Parameters): Promise<PreparedStatement> {
    const other = acyclicStatement(statement);
    if (other === undefined) {
      throw new HostFailure(
        'query_invalid',
        'The engine would lose rows where relationships close a circle. Write out what is returned instead of *, or match ' +
          'the last one of them after a WITH: MATCH (a)-->(b), (a)-->(c) WITH a, b, c MATCH (b)-->(c)',
      );
    }
    // Where its plan is no better, there is no circle to take out any more.
    return this.prepare(other, parameters);
  }

  /** The engine would leave out rows that differ, so it gets the same question in other words. */
  private async prepareUnion(statement: string): Promise<PreparedStatement> {
    const columns = unionColumns(statement);
    if (columns === undefined) {
      const message = 'The engine compares a UNION of * by keys alone. Write out the columns, or use UNION ALL';
      throw new HostFailure('query_invalid', message);
    }
    let taken: number[] = [];
    // Nodes and relationships cannot be written in other words, and only the engine knows which names are theirs.
    for (const name of columns.names) {
      const more = [...taken, name];
      if ((await this.connection.prepare(columns.comparingWholeRows(more))).isSuccess()) taken = more;
    }
    return this.prepareOne(columns.comparingWholeRows(taken));
  }

  /** The engine would crash on its plan of this statement, so it gets the same question in other words. */
  private async prepareOtherwise(statement: string, parameters: Parameters): Promise<PreparedStatement> {
    const other = withoutStarCount(statement);
    if (crashesEngine(await this.planOf(other, parameters))) {
      throw new HostFailure(
        'query_invalid',
        'The engine cannot run this statement. Add a second expression to ORDER BY',
      );
    }
    return this.prepareOne(other);
  }

  private async prepareOne(statement: string): Promise<PreparedStatement> {
    const prepared = await this.connection.prepare(statement);
    if (prepared.isSuccess()) return prepared;
    const message = prepared.getErrorMessage();
    if (/read-only database/i.test(message)) throw new HostFailure('write_refused', '');
    throw new HostFailure('query_invalid', message);
  }

  /** The engine's plan of a statement, as it prints it. */
  async planOf(statement: string, parameters: Parameters): Promise<string> {
    const explain = await this.prepareOne(explainOf(statement));
    const result = single(await this.connection.execute(explain, parameters));
    try {
      return result
        .getAllSync()
        .flatMap((row) => Object.values(row).map(String))
        .join('\n');
    } finally {
      result.close();
    }
  }
}

/** What the engine itself needed, in milliseconds, without waiting for a thread. The binding's types do not know of it. */
function engineMs(result: QueryResult): number {
  return (result as QueryResult & { getQuerySummarySync(): { executionTime: number } }).getQuerySummarySync()
    .executionTime;
}

/** What the engine says of a statement that ran out of time. */
export function isInterruption(error: unknown): boolean {
  return error instanceof Error && /^Interrupted\.?/.test(error.message);
}

function single(result: QueryResult | QueryResult[]): QueryResult {
  if (!Array.isArray(result)) return result;
  for (const one of result) one.close();
  throw new HostFailure('query_invalid', 'Only one statement can be run at a time');
}

/** The connections of a host; queries wait here for one that is free, oldest first. */
export class Lanes {
  private readonly lanes: Lane[] = [];
  private waiting: ((lane: Lane) => void)[] = [];

  constructor(lanes: Lane[]) {
    this.lanes = lanes;
  }

  static async open(count: number, connect: () => Connection): Promise<Lanes> {
    const lanes = Array.from({ length: count }, () => new Lane(connect()));
    await Promise.all(lanes.map((lane) => lane.connection.init()));
    return new Lanes(lanes);
  }

  /**
   * Runs `work` with a lane, with one that has the statement prepared where such a one is free. Waits up to `waitMs`;
   * then the query's time is up, though the fault is of those before it.
   */
  async use<T>(statement: string, waitMs: number, work: (lane: Lane) => Promise<T>): Promise<T> {
    const free = this.lanes.filter((lane) => !lane.busy);
    const lane = free.find((one) => one.has(statement)) ?? free[0] ?? (await this.next(waitMs));
    lane.busy = true;
    try {
      return await work(lane);
    } finally {
      const next = this.waiting.shift();
      // Handed over without becoming free, so that no newcomer overtakes.
      if (next) next(lane);
      else lane.busy = false;
    }
  }

  /** The result of a quick statement, at once; undefined where it has to be run by {@link use}. */
  runInline(statement: string, parameters: Parameters, timeoutMs: number): QueryResult | undefined {
    const lane = this.lanes.find((one) => !one.busy && one.has(statement));
    return lane?.executeInline(statement, parameters, timeoutMs);
  }

  private next(waitMs: number): Promise<Lane> {
    return new Promise((resolve, reject) => {
      const give = (lane: Lane): void => {
        clearTimeout(timer);
        resolve(lane);
      };
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((other) => other !== give);
        reject(new HostFailure('query_timeout', ''));
      }, waitMs);
      this.waiting.push(give);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.connection.close()));
  }
}
