import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { PlatformConfig } from '../config/platform.config';
import { GraphEngine } from '../engine/graph-engine';
import { GenerationsService } from '../graphs/generations.service';
import type { Generation, Graph } from '../graphs/graph.entity';
import { type PreparedTables, StagingService } from '../staging/staging.service';
import { type Counts, keysOf, NO_ROWS } from './load-plan';
import { DryRunsBusy, DryRunTooLong } from './materialization.errors';
import type { MaterializationPlan } from './materialization-plan';

/** Whoever asked still waits for the answer. */
const LONGEST_MS = 45_000;
/** Each one is a process that may use as much memory as staging a file does. */
const MOST_AT_ONCE = 2;

/** Finds out what a materialization would load and reject, without a lock, and without a trace once it is done. */
@Injectable()
export class DryRuns {
  private running = 0;

  constructor(
    private readonly config: PlatformConfig,
    private readonly staging: StagingService,
    private readonly engine: GraphEngine,
    private readonly generations: GenerationsService,
  ) {}

  /** Checks the files of a plan as a materialization would. Throws {@link DryRunTooLong}, {@link DryRunsBusy}. */
  async check(graph: Graph, live: Generation | null, plan: MaterializationPlan): Promise<PreparedTables> {
    if (this.running >= MOST_AT_ONCE) throw new DryRunsBusy();
    this.running += 1;
    const directory = this.config.path('dry-runs', randomUUID());
    const signal = AbortSignal.timeout(LONGEST_MS);
    try {
      await this.clearLeftovers();
      await mkdir(join(directory, 'keys'), { recursive: true });
      return await this.checkIn(directory, graph, live, plan, signal);
    } catch (error) {
      throw signal.aborted ? new DryRunTooLong() : error;
    } finally {
      await rm(directory, { recursive: true, force: true });
      this.running -= 1;
    }
  }

  /** What a process that was killed left behind; nothing that still runs is so old. */
  private async clearLeftovers(): Promise<void> {
    const folder = this.config.path('dry-runs');
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      // Gone meanwhile: another dry run has ended.
      const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Infinity }));
      if (Date.now() - mtimeMs > 10 * LONGEST_MS) await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  private async checkIn(
    directory: string,
    graph: Graph,
    live: Generation | null,
    plan: MaterializationPlan,
    signal: AbortSignal,
  ): Promise<PreparedTables> {
    const base: Counts = (plan.mode === 'incremental' && live?.manifest) || NO_ROWS;
    const tables = new Set(plan.files.map(({ tableName }) => tableName));
    const keys = keysOf(graph.schema, tables, base, join(directory, 'keys'));
    const knownKeys = new Map(keys.map(({ table, file }): [string, string[]] => [table, [file]]));
    const prepare = (): Promise<PreparedTables> =>
      this.staging.prepare(graph.id, graph.schema, plan.files, directory, { signal, knownKeys });
    if (live === null || keys.length === 0) return prepare();
    // The keys of the graph are read from a copy of it, into which nothing is loaded.
    let prepared: PreparedTables | undefined;
    const loads = async (): Promise<[]> => {
      prepared = await prepare();
      return [];
    };
    const target = { graphId: graph.id, generation: 0, directory: join(directory, 'generation') };
    const spec = { target, base: this.generations.ref(graph.id, live.number), keys, definitions: [] };
    await this.engine.build({ ...spec, inputDirectory: directory, loads }, { signal });
    return prepared!;
  }
}
