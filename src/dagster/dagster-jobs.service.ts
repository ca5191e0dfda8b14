import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../auth/actor';
import { InvalidSettings } from '../config/load-config';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { DagsterConfig } from './dagster.config';
import { DagsterNotConfigured, NoDagsterJob } from './dagster.errors';
import { DagsterJob, LONGEST_STOP_SECONDS } from './dagster.operations';

/** Who does the work of an operation: a worker of this platform, or a job in Dagster that calls back. */
export const RUNNERS = ['graphstead', 'dagster'] as const;
/** Types of operations whose routes take a runner. */
export const RUNNABLE: readonly string[] = ['graph_materialization'];
export type Runner = (typeof RUNNERS)[number];

export interface DagsterWork {
  actor: Pick<Actor, 'userId'> | null;
  orgId: string | null;
  graphId: string;
  /** The type of the operation for which the job calls back. */
  type: string;
  /** What the job passes on when it does. */
  options: object;
}

/** Has work done by Dagster instead of a worker. */
@Injectable()
export class DagsterJobsService implements OnModuleInit {
  constructor(
    private readonly operations: OperationsService,
    private readonly config: DagsterConfig,
  ) {}

  /** Throws `InvalidSettings`, so that the platform does not start, where Dagster is to run what it cannot. */
  onModuleInit(): void {
    const { url, runs, jobs, launchSeconds, stopSeconds, requestSeconds } = this.config;
    const without = runs.filter((type) => this.config.jobFor(type) === undefined);
    const notThere = [...new Set([...runs, ...(jobs?.keys() ?? [])])].filter((type) => !RUNNABLE.includes(type));
    const stop = launchSeconds + stopSeconds + 2 * requestSeconds;
    const problems = [
      ...notThere.map(
        (type) => `DAGSTER_RUNS, DAGSTER_JOBS: ${type} cannot run there. What can is: ${RUNNABLE.join()}.`,
      ),
      ...(url !== undefined && stop > LONGEST_STOP_SECONDS
        ? [
            `DAGSTER_LAUNCH_SECONDS, DAGSTER_STOP_SECONDS, DAGSTER_REQUEST_SECONDS: the first two and twice the third are ${stop} s. Make them ${LONGEST_STOP_SECONDS} s at most, so that a cancelled operation can wait for its run.`,
          ]
        : []),
      ...without.map((type) => `DAGSTER_RUNS: there is no job for ${type}. Name one in DAGSTER_JOBS.`),
      ...(runs.length > 0 && url === undefined ? ['DAGSTER_RUNS: DAGSTER_URL is missing. Set it too.'] : []),
    ];
    if (problems.length > 0) throw new InvalidSettings(problems);
  }

  /**
   * Whether Dagster does it, by what the request says or else by DAGSTER_RUNS. Throws {@link DagsterNotConfigured} or
   * {@link NoDagsterJob} where it is asked for and cannot.
   */
  runs(type: string, asked?: Runner): boolean {
    if (asked === undefined) return this.config.runs.includes(type);
    if (asked === 'graphstead') return false;
    if (this.config.url === undefined) throw new DagsterNotConfigured();
    if (this.config.jobFor(type) === undefined) throw new NoDagsterJob(type);
    return true;
  }

  /**
   * Begins the operation that stands for the run. One at a time for a type and a graph: the lock of the graph is left to
   * what the job calls back for. Throws `OperationConflict`.
   */
  async begin(em: EntityManager, { actor, orgId, graphId, type, options }: DagsterWork): Promise<Operation> {
    const job = this.config.jobFor(type);
    if (job === undefined) throw new NoDagsterJob(type);
    return await this.operations.begin(em, DagsterJob, {
      actor,
      orgId,
      graphId,
      payload: { job, runConfig: { resources: { graphstead: { config: { graph_id: graphId, options } } } } },
    });
  }
}
