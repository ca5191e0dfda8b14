import { Injectable, Logger } from '@nestjs/common';
import { assertNever } from '../common/assert-never';
import { DagsterClient } from './dagster-client';
import { DagsterConfig } from './dagster.config';
import {
  DagsterConfigInvalid,
  DagsterFailed,
  DagsterJobNotFound,
  DagsterLaunchRefused,
  DagsterRunNotFound,
  DagsterUnauthorized,
} from './dagster.errors';
import {
  LaunchRun,
  type LaunchRunMutation,
  RunEvents,
  type RunEventsQuery,
  RunsOfOperation,
  TerminateRun,
  type TerminateRunPolicy,
} from './statements.generated';

/** Says of a run which operation it is of: how it is found when the answer to its launch was lost. */
export const OPERATION_TAG = 'graphstead/operation_id';
const EVENTS_AT_ONCE = 200;

export interface DagsterRun {
  runId: string;
  /** A word of Dagster's, and newer versions may have more of them. */
  status: string;
  /** Seconds since 1970. */
  creationTime: number;
}

export type EventPage = Extract<RunEventsQuery['logsForRun'], { __typename: 'EventConnection' }>;
export type RunEvent = EventPage['events'][number];

/** What we ask of Dagster, with an error in words for each way in which it may refuse. */
@Injectable()
export class DagsterApi {
  private readonly logger = new Logger(DagsterApi.name);

  constructor(
    private readonly client: DagsterClient,
    private readonly config: DagsterConfig,
  ) {}

  /**
   * Starts a run; its id. It is sent once, and takes seconds. `DagsterUnreachable` with `sent` means that a run may be
   * there or come: look with {@link runsOf} before another one is launched.
   */
  async launch(
    job: string,
    { runConfig, tags, signal }: { runConfig: object; tags: Record<string, string>; signal?: AbortSignal },
  ): Promise<string> {
    const { location, repository, launchSeconds } = this.config;
    const executionParams = {
      selector: { jobName: job, repositoryName: repository, repositoryLocationName: location },
      runConfigData: runConfig,
      executionMetadata: { tags: Object.entries(tags).map(([key, value]) => ({ key, value })) },
    };
    const timeoutMs = launchSeconds * 1_000;
    const { launchRun } = await this.client.send(LaunchRun, { executionParams }, { timeoutMs, signal });
    if (launchRun.__typename === 'LaunchRunSuccess') return launchRun.run.runId;
    throw this.launchRefusal(job, launchRun);
  }

  /** Every run of an operation, oldest first. */
  async runsOf(operationId: string, signal?: AbortSignal): Promise<DagsterRun[]> {
    const filter = { tags: [{ key: OPERATION_TAG, value: operationId }] };
    const { runsOrError } = await this.client.send(RunsOfOperation, { filter }, { signal });
    if (runsOrError.__typename !== 'Runs') throw this.failure('look for runs', runsOrError);
    return runsOrError.results.sort((a, b) => a.creationTime - b.creationTime);
  }

  /** What a run has said after `cursor`, from its beginning without one. */
  async events(runId: string, afterCursor: string | null, signal?: AbortSignal): Promise<EventPage> {
    const variables = { runId, afterCursor, limit: EVENTS_AT_ONCE };
    const { logsForRun } = await this.client.send(RunEvents, variables, { signal });
    if (logsForRun.__typename === 'EventConnection') return logsForRun;
    if (logsForRun.__typename === 'RunNotFoundError') throw new DagsterRunNotFound(runId);
    throw this.failure('read the events of a run', logsForRun);
  }

  /** Asks a run to stop. Whether Dagster has taken it: one that has ended, or is stopping already, it does not take. */
  async terminate(runId: string, policy: TerminateRunPolicy, signal?: AbortSignal): Promise<boolean> {
    const { terminateRun } = await this.client.send(TerminateRun, { runId, policy }, { signal });
    switch (terminateRun.__typename) {
      case 'TerminateRunSuccess':
        return true;
      case 'TerminateRunFailure':
        this.logger.warn(`Run ${runId} is not terminated: ${terminateRun.message}`);
        return false;
      case 'RunNotFoundError':
        return false;
      case 'UnauthorizedError':
        throw new DagsterUnauthorized();
      case 'PythonError':
        throw this.failure('terminate a run', terminateRun);
      default:
        return assertNever(terminateRun);
    }
  }

  private launchRefusal(
    job: string,
    refused: Exclude<LaunchRunMutation['launchRun'], { __typename: 'LaunchRunSuccess' }>,
  ): Error {
    switch (refused.__typename) {
      case 'RunConfigValidationInvalid':
        return new DagsterConfigInvalid(job, refused.errors.map(problemOf));
      case 'PipelineNotFoundError':
        return new DagsterJobNotFound(job, this.config.location);
      case 'UnauthorizedError':
        return new DagsterUnauthorized();
      case 'PythonError':
        return this.failure(`start the job "${job}"`, refused);
      case 'RunConflict':
        return new DagsterLaunchRefused('dagster_run_conflict', job, 'a run like it is there already');
      case 'InvalidSubsetError':
        return new DagsterLaunchRefused('dagster_subset_invalid', job, 'it does not have the parts that were chosen');
      case 'InvalidStepError':
      case 'InvalidOutputError':
        return new DagsterLaunchRefused('dagster_step_invalid', job, 'it does not have the steps that were chosen');
      case 'PresetNotFoundError':
      case 'NoModeProvidedError':
      case 'ConflictingExecutionParamsError':
        return new DagsterLaunchRefused('dagster_parameters_invalid', job, 'this version wants other parameters');
      default:
        return assertNever(refused);
    }
  }

  private failure(what: string, { message }: { message: string }): DagsterFailed {
    this.logger.warn(`Dagster could not ${what}: ${message}`);
    return new DagsterFailed(what);
  }
}

type ConfigProblem = Extract<
  LaunchRunMutation['launchRun'],
  { __typename: 'RunConfigValidationInvalid' }
>['errors'][number];

/** Only where and what kind: its words may show what the configuration holds. */
function problemOf({ stack, reason }: ConfigProblem): { path: string; reason: string } {
  const path = stack.entries.flatMap((entry) =>
    entry.__typename === 'EvaluationStackPathEntry' ? [entry.fieldName] : [],
  );
  return { path: path.join('.'), reason: reason.toLowerCase() };
}
