import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { WorkerStopping } from '../jobs/abort-reasons';
import { StaleAttemptError } from '../operations/operations.errors';
import { DagsterApi, type DagsterRun } from './dagster-api';
import { DagsterConfig } from './dagster.config';
import { hasEnded } from './run-states';

const LOOK_MS = 500;

/** Whether the attempt stops and its operation does not: the run is left to whoever goes on. */
export function goesOnElsewhere({ reason }: AbortSignal): boolean {
  return reason instanceof WorkerStopping || reason instanceof StaleAttemptError;
}

/** Ends the runs of an operation that is to end before them. */
@Injectable()
export class RunStopper {
  private readonly logger = new Logger(RunStopper.name);

  constructor(
    private readonly api: DagsterApi,
    private readonly config: DagsterConfig,
    private readonly clock: Clock,
  ) {}

  /**
   * Terminates the runs and waits until they have ended; after `DAGSTER_STOP_SECONDS` marks them as cancelled. What is to
   * be said of how that went, null where all is well. `mayCome`: a launch is on its way.
   */
  async stop(operationId: string, mayCome: () => boolean): Promise<string | null> {
    const stopMs = this.config.stopSeconds * 1_000;
    const until = this.clock.now().getTime() + stopMs;
    const asked = new Set<string>();
    // The worker that waits for this has a deadline of its own (`dagster-jobs.service.ts`): no answer is waited for beyond ours.
    const inTime = AbortSignal.timeout(stopMs);
    for (;;) {
      const late = this.clock.now().getTime() >= until;
      const signal = late ? AbortSignal.timeout(this.config.requestSeconds * 1_000) : inTime;
      try {
        const open = (await this.api.runsOf(operationId, signal)).filter((run) => !hasEnded(run));
        if (open.length === 0 && !mayCome()) return null;
        if (late && open.length === 0)
          return 'Whether Dagster has started a run is not known; one that turns up is terminated';
        if (late) return await this.markCancelled(open);
        await this.ask(open, asked, signal);
      } catch (error) {
        if (!(error instanceof DomainError) && !signal.aborted) throw error;
        this.logger.warn(`${operationId}: ${(error as Error).message}`);
        if (late) return 'Dagster did not answer: its run may go on until it does, and is terminated then';
      }
      await delay(LOOK_MS);
    }
  }

  /** Asks each once in each of its statuses: a second time is refused. */
  private async ask(open: DagsterRun[], asked: Set<string>, signal: AbortSignal): Promise<void> {
    for (const { runId, status } of open) {
      if (asked.has(`${runId} ${status}`) || asked.has(runId)) continue;
      asked.add(`${runId} ${status}`);
      if (await this.api.terminate(runId, 'SAFE_TERMINATE', signal)) asked.add(runId);
    }
  }

  /** Ends the runs for Dagster, whatever their processes do. */
  async markCancelled(open: DagsterRun[]): Promise<string> {
    for (const { runId } of open) await this.api.terminate(runId, 'MARK_AS_CANCELED_IMMEDIATELY');
    return `The run did not stop within ${this.config.stopSeconds} s and was marked as cancelled; its work may go on`;
  }
}
