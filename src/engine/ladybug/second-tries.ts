import { setTimeout as delay } from 'node:timers/promises';
import { EngineLost, GraphUnreadable, StatementFatal } from '../engine.errors';
import type { QueryRequest, QueryStream } from '../graph-engine';
import { HostGone } from './failures';

type RunQuery = (directory: string, request: QueryRequest, signal?: AbortSignal) => Promise<QueryStream>;

/** Longest that one waits for those of the same graph before it. */
const LONGEST_TURN_MS = 2_000;
/** How long a statement is known that ended the engine, and how many. */
const KNOWN_MS = 60_000;
const MOST_KNOWN = 200;
const LONGEST_KNOWN = 100_000;
/** Reads the file as other queries do. */
const PROBE: QueryRequest = {
  statement: 'MATCH (n) RETURN n LIMIT 1',
  parameters: {},
  timeoutMs: 10_000,
  format: 'ndjson',
};

/**
 * Runs queries again whose host ended under them: they had not answered yet and only read. One after another, so that a
 * statement which ends the engine is found out by doing so alone, and those that ran beside it are answered.
 */
export class SecondTries {
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly fatal = new Map<string, number>();

  constructor(private readonly query: RunQuery) {}

  /** Throws {@link StatementFatal} for what has ended the engine a moment ago. */
  check(request: QueryRequest): void {
    if (this.fatal.size === 0) return;
    const until = this.fatal.get(keyOf(request));
    if (until !== undefined && performance.now() < until) throw new StatementFatal();
  }

  /** Throws {@link StatementFatal} where the statement is to blame, {@link EngineLost} where that is not known. */
  async run(directory: string, request: QueryRequest, signal?: AbortSignal): Promise<QueryStream> {
    const before = this.turns.get(directory);
    const mine = this.afterOthers(before, () => this.once(directory, request, signal));
    const turn = mine.catch(() => undefined);
    this.turns.set(directory, turn);
    try {
      return await mine;
    } finally {
      if (this.turns.get(directory) === turn) this.turns.delete(directory);
    }
  }

  private async afterOthers<T>(before: Promise<unknown> | undefined, work: () => Promise<T>): Promise<T> {
    if (before !== undefined) await Promise.race([before, delay(LONGEST_TURN_MS, undefined, { ref: false })]);
    return work();
  }

  private async once(directory: string, request: QueryRequest, signal?: AbortSignal): Promise<QueryStream> {
    try {
      return await this.query(directory, request, signal);
    } catch (error) {
      if (!(error instanceof HostGone)) throw error;
      if (!error.alone || !(await this.works(directory))) throw new EngineLost();
      this.remember(request);
      throw new StatementFatal();
    }
  }

  /** Whether the engine reads the graph at all. */
  private async works(directory: string): Promise<boolean> {
    try {
      const { batches } = await this.query(directory, PROBE);
      for await (const _ of batches) continue;
      return true;
    } catch (error) {
      return !(error instanceof EngineLost || error instanceof GraphUnreadable);
    }
  }

  private remember(request: QueryRequest): void {
    const key = keyOf(request);
    if (key.length > LONGEST_KNOWN) return;
    if (this.fatal.size >= MOST_KNOWN) this.fatal.clear();
    this.fatal.set(key, performance.now() + KNOWN_MS);
  }
}

function keyOf({ statement, parameters }: QueryRequest): string {
  return `${statement}\0${JSON.stringify(parameters)}`;
}
