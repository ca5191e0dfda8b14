import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { Sensor } from '../jobs/sensor';
import { DagsterApi } from './dagster-api';
import { DagsterConfig } from './dagster.config';
import { DagsterUnreachable } from './dagster.errors';
import { DagsterRunsRepository, type UnsettledRun } from './dagster-runs.repository';
import { RunLauncher } from './run-launcher';
import { hasEnded } from './run-states';
import { RunStopper } from './run-stopper';

const AT_ONCE = 50;
const GIVEN_UP_AFTER_MS = 86_400_000;

/**
 * Sees to it that no run outlives its operation: one that was cancelled while no worker had it, whose worker died at its
 * end, or whose launch was taken for lost. Looks for a day, if Dagster is not there for so long.
 */
@Injectable()
export class SettleRunsSensor extends Sensor {
  constructor(
    private readonly runs: DagsterRunsRepository,
    private readonly api: DagsterApi,
    private readonly stopper: RunStopper,
    private readonly launcher: RunLauncher,
    private readonly config: DagsterConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.settleSeconds * 1_000;
  }

  async look(): Promise<void> {
    if (this.config.url === undefined) return;
    for (const run of await this.runs.unsettled(AT_ONCE)) {
      if (this.stopped) return;
      try {
        if (await this.isSettled(run)) await this.runs.settle(run.operationId);
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        this.logger.warn(`${run.operationId}: whether its run has ended is not known: ${error.message}`);
        if (this.ago(run.endedAt) > GIVEN_UP_AFTER_MS) await this.runs.settle(run.operationId);
        // The others have no better luck.
        if (error instanceof DagsterUnreachable) return;
      }
    }
  }

  private async isSettled({ operationId, launchBegunAt, stopAskedAt }: UnsettledRun): Promise<boolean> {
    if (launchBegunAt === null) return true;
    const open = (await this.api.runsOf(operationId)).filter((run) => !hasEnded(run));
    if (open.length === 0) return !this.launcher.mayStillCome(launchBegunAt);
    if (stopAskedAt === null) {
      await this.runs.noteStopAsked(operationId);
      for (const { runId } of open) await this.api.terminate(runId, 'SAFE_TERMINATE');
    } else if (this.ago(stopAskedAt) > this.config.stopSeconds * 1_000) {
      this.logger.warn(`${operationId}: ${await this.stopper.markCancelled(open)}`);
    }
    return false;
  }

  private ago(time: Date): number {
    return this.clock.now().getTime() - time.getTime();
  }
}
