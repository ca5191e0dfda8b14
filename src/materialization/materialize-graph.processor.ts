import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { type GenerationManifest, GraphEngine } from '../engine/graph-engine';
import { type Build, GenerationsService } from '../graphs/generations.service';
import type { Generation, Graph } from '../graphs/graph.entity';
import { PublishConflict } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import { TierTable } from '../limits/tier-table';
import { definitionsOf } from '../schemas/schema-definitions';
import { type PreparedTables, StagingService } from '../staging/staging.service';
import { LoadEstimate } from './load-estimate';
import { type Counts, keysOf, loadsOf, NO_ROWS, refuseBadTables, refuseMismatch } from './load-plan';
import { type MaterializationPlan, planMaterialization } from './materialization-plan';
import { MaterializeGraph, type MaterializeGraphPayload } from './materialization.operations';
import { MaterializationsRepository } from './materializations.repository';
import { resultOf, tableResults } from './materialization-result';

/** Shares of the progress bar, in percent: checking and typing the rows comes first, loading takes longest. */
const PREPARED = 25;
const LOADED = 90;

interface Loaded {
  build: Build;
  prepared: PreparedTables;
  manifest: GenerationManifest;
  base: Counts;
}

/** Staging tables -> checked, typed Parquet -> a new generation beside the live one -> published. */
@Injectable()
@HandlesOperation(MaterializeGraph)
export class MaterializeGraphProcessor extends OperationProcessor<typeof MaterializeGraph> {
  constructor(
    private readonly graphs: GraphsService,
    private readonly generations: GenerationsService,
    private readonly staging: StagingService,
    private readonly engine: GraphEngine,
    private readonly work: WorkDirectories,
    private readonly tiers: TierTable,
    private readonly history: MaterializationsRepository,
    private readonly clock: Clock,
  ) {
    super();
  }

  async run({ force, ignoreErrors, mode = 'auto' }: MaterializeGraphPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    const startedAt = this.clock.now();
    const graph = await this.graphs.get(graphId);
    const [staged, live] = await Promise.all([this.staging.snapshot(graphId), this.graphs.liveGeneration(graphId)]);
    const plan = planMaterialization(mode, staged, live, { force });
    const before = { was_stale: graph.staleReason !== null, stale_reason: graph.staleReason, mode: plan.mode };
    if (plan.mode === 'none') return skipped(graph, plan, before);
    return this.work.use(ctx, async (directory) => {
      const loaded = await this.load(ctx, { graph, live, plan, directory, ignoreErrors });
      ctx.progress(95, 'Publishing', step(3));
      const result = { ...resultOf(graphId, loaded.build.generation, loaded), ...before, why: plan.why };
      await this.publish(ctx, plan, loaded, startedAt, result);
      return result;
    });
  }

  private async load(ctx: OperationContext, { graph, live, plan, directory, ignoreErrors }: LoadJob): Promise<Loaded> {
    const build = await this.generations.begin(ctx, graph.id);
    // What is live changes only under the lock of this operation, or when a publish is taken back.
    if (build.live?.generation !== live?.number) throw new PublishConflict(graph.id);
    const incremental = plan.mode === 'incremental';
    const base: Counts = (incremental && live?.manifest) || NO_ROWS;
    const keys = incremental
      ? keysOf(graph.schema, new Set(plan.files.map(({ tableName }) => tableName)), base, join(directory, 'keys'))
      : [];
    await mkdir(join(directory, 'keys'), { recursive: true });
    let prepared: PreparedTables | undefined;
    const manifest = await this.engine.build(
      {
        target: build,
        base: incremental ? (build.live ?? undefined) : undefined,
        keys,
        definitions: incremental ? [] : definitionsOf(graph.schema),
        inputDirectory: directory,
        loads: async () => {
          prepared = await this.check(ctx, graph, plan, directory, ignoreErrors, new Map(keys.map(knownKey)));
          return loadsOf(graph.schema, prepared, base);
        },
      },
      { signal: ctx.signal, onProgress: progressOf(ctx) },
    );
    refuseMismatch(prepared!, manifest, base);
    this.tiers.requireContent(graph.tier, manifest);
    return { build, prepared: prepared!, manifest, base };
  }

  private async check(
    ctx: OperationContext,
    graph: Graph,
    plan: MaterializationPlan,
    directory: string,
    ignoreErrors: boolean,
    knownKeys: ReadonlyMap<string, string[]>,
  ): Promise<PreparedTables> {
    ctx.progress(1, 'Checking staged rows', step(1));
    const prepared = await this.staging.prepare(graph.id, graph.schema, plan.files, directory, {
      ignoreErrors,
      signal: ctx.signal,
      knownKeys,
      onProgress: (percent, table) => ctx.progress(1 + (percent / 100) * (PREPARED - 1), `Checking ${table}`, step(1)),
    });
    refuseBadTables(prepared, ignoreErrors);
    return prepared;
  }

  private publish(
    ctx: OperationContext,
    plan: MaterializationPlan,
    { build, prepared, manifest }: Loaded,
    startedAt: Date,
    result: { rows_loaded: number; rows_rejected: number },
  ): Promise<void> {
    return this.generations.publish(
      ctx,
      build,
      manifest,
      async (em) => {
        const { generation, graphId } = build;
        const reason = 'files were staged or removed while it was being loaded';
        await this.staging.noteHeld(em, graphId, {
          files: plan.contents.files,
          generation,
          reason,
          materializations: 1,
        });
        await this.history.insert(em, graphId, {
          generation,
          operationId: ctx.operationId,
          mode: plan.mode,
          baseGeneration: plan.mode === 'incremental' ? (build.live?.generation ?? null) : null,
          files: plan.files.map((file) => ({
            file_id: file.id,
            file_name: file.fileName,
            table_name: file.tableName,
            row_count: file.rowCount,
          })),
          tables: tableResults(prepared),
          rowsLoaded: result.rows_loaded,
          rowsRejected: result.rows_rejected,
          startedAt,
          publishedAt: this.clock.now(),
        });
        await ctx.keepResult(em, result);
      },
      plan.contents,
    );
  }
}

interface LoadJob {
  graph: Graph;
  live: Generation | null;
  plan: MaterializationPlan;
  directory: string;
  ignoreErrors: boolean;
}

function knownKey({ table, file }: { table: string; file: string }): [string, string[]] {
  return [table, [file]];
}

function skipped(graph: Graph, plan: MaterializationPlan, before: object): object {
  return {
    graph_id: graph.id,
    generation: graph.liveGeneration,
    skipped: true,
    ...before,
    tables_materialized: [],
    total_rows: 0,
    message: plan.why,
  };
}

function progressOf(ctx: OperationContext): (progress: { table: string; rows: number; totalRows: number }) => void {
  const estimate = new LoadEstimate();
  return ({ table, rows, totalRows }) => {
    const share = totalRows === 0 ? 1 : rows / totalRows;
    ctx.progress(PREPARED + share * (LOADED - PREPARED), `Loading ${table}`, {
      ...step(2),
      rows_loaded: rows,
      rows_total: totalRows,
      estimated_seconds_remaining: estimate.secondsLeft(rows, totalRows),
    });
  };
}

/** Check, load, publish. */
function step(currentStep: number): { currentStep: number; totalSteps: number } {
  return { currentStep, totalSteps: 3 };
}
