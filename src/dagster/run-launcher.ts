import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import type { OperationContext } from '../jobs/operation-context';
import { DagsterApi, OPERATION_TAG } from './dagster-api';
import { DagsterConfig } from './dagster.config';
import {
  DagsterFailed,
  DagsterLaunchRefused,
  DagsterUnauthorized,
  DagsterUnreachable,
  isPassing,
} from './dagster.errors';
import type { DagsterJobPayload } from './dagster.operations';
import { DagsterRunsRepository, type WatchedRun } from './dagster-runs.repository';
import { goesOnElsewhere } from './run-stopper';

const LOOK_MS = 500;
const UNREACHABLE_MS = 2_000;

/**
 * Launches the run of an operation once. Dagster takes no id of ours and runs equal launches twice, so the intent is
 * written down before each launch, and while its outcome is not known, what is there with the operation's tag counts.
 */
@Injectable()
export class RunLauncher {
  constructor(
    private readonly api: DagsterApi,
    private readonly runs: DagsterRunsRepository,
    private readonly config: DagsterConfig,
    private readonly clock: Clock,
  ) {}

  /** The id of the operation's run. While Dagster is not there, or does not speak as it should, it goes on until `signal` aborts; throws why there is no run. */
  async launch(
    payload: DagsterJobPayload,
    watched: WatchedRun,
    ctx: OperationContext,
    signal: AbortSignal,
  ): Promise<string> {
    // The last launch whose outcome is not known.
    let { launchBegunAt } = watched;
    for (;;) {
      signal.throwIfAborted();
      try {
        const [oldest] = launchBegunAt ? await this.api.runsOf(ctx.operationId, signal) : [];
        if (oldest) return await this.kept(oldest.runId, ctx);
        if (launchBegunAt === null || !this.mayStillCome(launchBegunAt)) {
          launchBegunAt = this.clock.now();
          const begun = launchBegunAt;
          await ctx.transaction((em) => this.runs.noteLaunch(em, ctx.operationId, begun));
          const runId = await this.launchOnce(payload, ctx, signal);
          if (runId !== null) return await this.kept(runId, ctx);
          launchBegunAt = null;
        }
        ctx.progress(0, 'Looking for the run that was launched');
        await delay(LOOK_MS, undefined, { signal });
      } catch (error) {
        if (!isPassing(error)) throw error;
        ctx.progress(0, error.message, { dagster_reachable: false });
        await delay(UNREACHABLE_MS, undefined, { signal });
      }
    }
  }

  /** Whether a run of a launch that was begun then may yet turn up: its sender waited so long, and Dagster may take longer. */
  mayStillCome(launchBegunAt: Date): boolean {
    return this.clock.now().getTime() < launchBegunAt.getTime() + 2 * this.config.launchSeconds * 1_000;
  }

  /** Null where nothing was sent, because Dagster is not there. */
  private async launchOnce(
    { job, runConfig }: DagsterJobPayload,
    ctx: OperationContext,
    signal: AbortSignal,
  ): Promise<string | null> {
    const tags = { [OPERATION_TAG]: ctx.operationId, 'graphstead/attempt': String(ctx.attempt) };
    try {
      ctx.progress(0, `Launching the Dagster job ${job}`);
      return await this.api.launch(job, { runConfig, tags, signal: whileOurs(signal) });
    } catch (error) {
      // An answer for good. Of what else went wrong it is not known whether there is a run, so one is looked for.
      if (error instanceof DagsterFailed || error instanceof DagsterUnauthorized)
        throw new DagsterLaunchRefused(error.code, job, error.message);
      if (!(error instanceof DagsterUnreachable) || error.sent) throw error;
      ctx.progress(0, 'Dagster cannot be reached; the job is launched when it can', { dagster_reachable: false });
      await delay(UNREACHABLE_MS, undefined, { signal });
      return null;
    }
  }

  private async kept(runId: string, ctx: OperationContext): Promise<string> {
    await ctx.transaction((em) => this.runs.noteRun(em, ctx.operationId, runId));
    return runId;
  }
}

/** A launch that is on its way when the operation is to stop is waited for, so that its run is known and can be stopped. */
function whileOurs(signal: AbortSignal): AbortSignal {
  const ours = new AbortController();
  signal.addEventListener(
    'abort',
    () => {
      if (goesOnElsewhere(signal)) ours.abort(signal.reason);
    },
    { once: true },
  );
  return ours.signal;
}
