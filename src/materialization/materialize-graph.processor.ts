import { Injectable } from '@nestjs/common';
import { type BuildProgress, type GenerationManifest, GraphEngine } from '../engine/graph-engine';
import { type Build, GenerationsService } from '../graphs/generations.service';
import type { Graph } from '../graphs/graph.entity';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import { definitionsOf } from '../schemas/schema-definitions';
import { type PreparedTables, StagingService } from '../staging/staging.service';
import { loadsOf, refuseBadTables, refuseMismatch } from './load-plan';
import { NothingStaged } from './materialization.errors';
import { MaterializeGraph, type MaterializeGraphPayload } from './materialization.operations';

/** Shares of the progress bar, in percent: checking and typing the rows comes first, loading takes longest. */
const PREPARED = 25;
const LOADED = 90;

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
  ) {
    super();
  }

  async run({ force, ignoreErrors }: MaterializeGraphPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    const graph = await this.graphs.get(graphId);
    const { staleReason } = graph;
    const before = { was_stale: staleReason !== null, stale_reason: staleReason };
    if (!force && staleReason === null && graph.lastMaterializedAt !== null) {
      return {
        graph_id: graphId,
        generation: graph.liveGeneration,
        skipped: true,
        ...before,
        tables_materialized: [],
        total_rows: 0,
        message: 'The graph already holds what is staged',
      };
    }
    const files = await this.staging.snapshot(graphId);
    if (files.length === 0) throw new NothingStaged();

    return this.work.use(ctx, async (directory) => {
      ctx.progress(1, 'Checking staged rows', step(1));
      const prepared = await this.staging.prepare(graphId, graph.schema, files, directory, {
        ignoreErrors,
        signal: ctx.signal,
        onProgress: (percent, table) =>
          ctx.progress(1 + (percent / 100) * (PREPARED - 1), `Checking ${table}`, step(1)),
      });
      refuseBadTables(prepared, ignoreErrors);
      const { build, manifest } = await this.load(ctx, graph, prepared);
      ctx.progress(95, 'Publishing', step(3));
      const fileIds = files.map((file) => file.id);
      const result = { ...resultOf(graphId, build.generation, prepared, manifest), ...before };
      await this.generations.publish(ctx, build, manifest, async (em) => {
        await this.staging.markMaterialized(em, graphId, fileIds, build.generation);
        await ctx.keepResult(em, result);
      });
      return result;
    });
  }

  private async load(
    ctx: OperationContext,
    graph: Graph,
    prepared: PreparedTables,
  ): Promise<{ build: Build; manifest: GenerationManifest }> {
    const build = await this.generations.begin(ctx, graph.id);
    const spec = {
      target: build,
      definitions: definitionsOf(graph.schema),
      loads: loadsOf(graph.schema, prepared),
      inputDirectory: prepared.directory,
    };
    const onProgress = (progress: BuildProgress): void => this.report(ctx, progress);
    const manifest = await this.engine.build(spec, { signal: ctx.signal, onProgress });
    refuseMismatch(prepared, manifest);
    return { build, manifest };
  }

  private report(ctx: OperationContext, { table, rows, totalRows }: BuildProgress): void {
    const share = totalRows === 0 ? 1 : rows / totalRows;
    ctx.progress(PREPARED + share * (LOADED - PREPARED), `Loading ${table}`, {
      ...step(2),
      rows_loaded: rows,
      rows_total: totalRows,
    });
  }
}

/** Check, load, publish. */
function step(currentStep: number): { currentStep: number; totalSteps: number } {
  return { currentStep, totalSteps: 3 };
}

function resultOf(graphId: string, generation: number, prepared: PreparedTables, manifest: GenerationManifest): object {
  const loaded = prepared.tables.reduce((sum, table) => sum + table.rowsLoaded, 0);
  const rejected = prepared.tables.reduce((sum, table) => sum + table.rowsRejected, 0);
  return {
    graph_id: graphId,
    generation,
    rows_loaded: loaded,
    rows_rejected: rejected,
    // The same once more in the words that the published client reads.
    total_rows: loaded,
    tables_materialized: prepared.tables.filter((table) => table.rowsLoaded > 0).map((table) => table.table),
    message: `${loaded} rows were loaded, ${rejected} were rejected`,
    tables: prepared.tables.map((table) => ({
      table_name: table.table,
      rows_loaded: table.rowsLoaded,
      rows_rejected: table.rowsRejected,
      reasons: table.reasons,
      ignored_columns: table.ignoredColumns,
    })),
    rejected_samples: prepared.samples,
    database_size_bytes: manifest.bytes,
    sha256: manifest.sha256,
  };
}
