import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { OperationContext } from '../jobs/operation-context';
import { DagsterApi, type DagsterRun, type EventPage } from './dagster-api';
import { DagsterConfig } from './dagster.config';
import { DagsterFailed, DagsterRunNotFound, isPassing } from './dagster.errors';
import { DagsterRunsRepository, type Seen, type WatchedRun } from './dagster-runs.repository';
import { newsOf } from './run-events';
import { hasEnded, percentOf, wordsFor } from './run-states';

const FIRST_WAIT_MS = 500;
const GROWTH = 1.5;
const JITTER = 0.2;

/** How a run has ended, and what it said before. */
export interface EndedRun {
  status: string;
  seen: Seen;
}

/**
 * Follows a run to its end: often while there is news, less often while it is quiet. What was read is stored with the
 * place of the last event, so that another attempt goes on from there.
 */
@Injectable()
export class RunWatcher {
  private readonly logger = new Logger(RunWatcher.name);

  constructor(
    private readonly api: DagsterApi,
    private readonly runs: DagsterRunsRepository,
    private readonly config: DagsterConfig,
  ) {}

  /** Throws `DagsterRunNotFound` where the run is gone, and when `signal` aborts. Outages of Dagster are waited out. */
  async untilEnded(runId: string, watched: WatchedRun, ctx: OperationContext, signal: AbortSignal): Promise<EndedRun> {
    const told = new Telling(ctx, { run_id: runId, run_url: this.config.linkTo(runId) }, watched);
    const terminated = new Set<string>();
    const longest = this.config.pollSeconds * 1_000;
    let waitMs = FIRST_WAIT_MS;
    for (;;) {
      signal.throwIfAborted();
      try {
        const run = await this.look(runId, ctx.operationId, terminated, signal);
        const isNews = told.status(run.status);
        const read = await this.readEvents(runId, told, signal);
        if (hasEnded(run)) return { status: run.status, seen: told.seen };
        waitMs = isNews || read ? FIRST_WAIT_MS : Math.min(waitMs * GROWTH, longest);
      } catch (error) {
        if (!isPassing(error)) throw error;
        told.trouble(error.message);
        waitMs = Math.min(waitMs * GROWTH, longest);
      }
      await delay(waitMs * (1 + JITTER * (2 * Math.random() - 1)), undefined, { signal });
    }
  }

  /** The run as it is. Another one of the same operation, of a launch that was taken for lost, is terminated. */
  private async look(
    runId: string,
    operationId: string,
    terminated: Set<string>,
    signal: AbortSignal,
  ): Promise<DagsterRun> {
    const all = await this.api.runsOf(operationId, signal);
    const run = all.find((one) => one.runId === runId);
    if (!run) throw new DagsterRunNotFound(runId);
    for (const other of all.filter((one) => one !== run && !hasEnded(one) && !terminated.has(one.runId))) {
      this.logger.warn(`${operationId}: run ${other.runId} is one too many beside ${runId}; it is terminated`);
      terminated.add(other.runId);
      await this.api.terminate(other.runId, 'SAFE_TERMINATE');
    }
    return run;
  }

  /** Whether there was anything to read. */
  private async readEvents(runId: string, told: Telling, signal: AbortSignal): Promise<boolean> {
    let any = false;
    for (;;) {
      const page = await this.page(runId, told, signal);
      if (page === null || page.events.length === 0) return any;
      any = true;
      for (const event of page.events) {
        const news = newsOf(event);
        if (news) told.news(news);
      }
      told.cursor = page.cursor;
      const { cursor, seen, ctx } = told;
      await ctx.transaction((em) => this.runs.noteEvents(em, ctx.operationId, cursor, seen));
      if (!page.hasMore) return true;
    }
  }

  /** Null where its events cannot be read; its status counts all the same. */
  private async page(runId: string, told: Telling, signal: AbortSignal): Promise<EventPage | null> {
    try {
      return await this.api.events(runId, told.cursor, signal);
    } catch (error) {
      if (!(error instanceof DagsterFailed)) throw error;
      // A place in a log that is not there any more: what is in the present one is told from its beginning.
      told.cursor = null;
      return null;
    }
  }
}

/** What those who watch the operation were told, and what of it has to be kept. */
class Telling {
  cursor: string | null;
  readonly seen: Seen;
  private last?: string;

  constructor(
    readonly ctx: OperationContext,
    private readonly link: { run_id: string; run_url: string },
    { cursor, seen }: WatchedRun,
  ) {
    this.cursor = cursor;
    this.seen = { ...seen };
  }

  /** Whether it is another one than before. */
  status(status: string): boolean {
    if (status === this.last) return false;
    this.last = status;
    this.advance(percentOf(status));
    this.say(wordsFor(status));
    return true;
  }

  news({ message, percent, details, failure }: NonNullable<ReturnType<typeof newsOf>>): void {
    this.advance(percent ?? null);
    if (details) this.seen.details = { ...this.seen.details, ...details };
    // The first one is why; the run's own failure only repeats it.
    if (failure) this.seen.failure ??= failure;
    this.say(message);
  }

  trouble(message: string): void {
    this.last = undefined;
    this.say(message, { dagster_reachable: false });
  }

  private advance(percent: number | null): void {
    if (percent !== null) this.seen.percent = Math.max(this.seen.percent ?? 0, percent);
  }

  private say(message: string, more: object = {}): void {
    const { percent = null, details } = this.seen;
    this.ctx.progress(percent, message, { ...details, ...this.link, dagster_status: this.last ?? null, ...more });
  }
}
