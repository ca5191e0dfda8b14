import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { OperationCancelled } from '../jobs/abort-reasons';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { DagsterConfig } from './dagster.config';
import { DagsterNotConfigured, DagsterRunFailed, DagsterRunTimedOut } from './dagster.errors';
import { DagsterJob, type DagsterJobPayload } from './dagster.operations';
import { DagsterRunsRepository } from './dagster-runs.repository';
import { RunLauncher } from './run-launcher';
import { stateOf } from './run-states';
import { goesOnElsewhere, RunStopper } from './run-stopper';
import { type EndedRun, RunWatcher } from './run-watcher';

/** Launches a run once, follows it, and ends as it does; when the operation has to end first, so has the run. */
@Injectable()
@HandlesOperation(DagsterJob)
export class DagsterJobMonitorProcessor extends OperationProcessor<typeof DagsterJob> {
  constructor(
    private readonly launcher: RunLauncher,
    private readonly watcher: RunWatcher,
    private readonly stopper: RunStopper,
    private readonly runs: DagsterRunsRepository,
    private readonly config: DagsterConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  async run(payload: DagsterJobPayload, ctx: OperationContext): Promise<object> {
    if (this.config.url === undefined) throw new DagsterNotConfigured();
    const watched = await ctx.transaction((em) => this.runs.open(em, ctx.operationId, payload.job));
    // From the first attempt on, however many there are.
    const left = watched.createdAt.getTime() + this.config.runSeconds * 1_000 - this.clock.now().getTime();
    const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(Math.max(left, 0))]);
    try {
      const runId = watched.runId ?? (await this.launcher.launch(payload, watched, ctx, signal));
      return resultOf(runId, payload.job, await this.watcher.untilEnded(runId, watched, ctx, signal), this.config);
    } catch (error) {
      if (!signal.aborted || goesOnElsewhere(signal)) throw error;
      ctx.progress(null, 'Stopping the Dagster run');
      const remark = await this.stopper.stop(ctx.operationId, await this.mayCome(ctx.operationId));
      if (ctx.signal.aborted) throw new OperationCancelled(remark);
      throw new DagsterRunTimedOut(this.config.runSeconds, remark ?? 'It was terminated');
    }
  }

  /** Where this platform has no Dagster any more there is nothing to try again. */
  protected override beforeRetry(): Promise<void> {
    return this.config.url === undefined ? Promise.reject(new DagsterNotConfigured()) : Promise.resolve();
  }

  private async mayCome(operationId: string): Promise<() => boolean> {
    const now = await this.runs.find(operationId);
    const { launchBegunAt, runId } = now ?? { launchBegunAt: null, runId: null };
    return () => runId === null && launchBegunAt !== null && this.launcher.mayStillCome(launchBegunAt);
  }
}

/** Returns what the operation's result is; throws where the run did not succeed. */
function resultOf(runId: string, job: string, { status, seen }: EndedRun, config: DagsterConfig): object {
  const link = { run_id: runId, run_url: config.linkTo(runId) };
  const state = stateOf(status);
  if (state === 'succeeded') return { ...seen.details, job, ...link };
  if (state === 'cancelled') throw new OperationCancelled('Its run was cancelled in Dagster');
  const { message = 'it gave no reason', step = null, error_class = null } = seen.failure ?? {};
  throw new DagsterRunFailed(step === null ? message : `step ${step}: ${message}`, { ...link, step, error_class });
}
