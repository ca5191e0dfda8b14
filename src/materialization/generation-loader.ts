import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { PlatformConfig } from '../config/platform.config';
import { type GenerationManifest, GraphEngine } from '../engine/graph-engine';
import { type Build, GenerationsService } from '../graphs/generations.service';
import type { Generation, Graph } from '../graphs/graph.entity';
import { PublishConflict } from '../graphs/graphs.errors';
import type { OperationContext } from '../jobs/operation-context';
import { StorageUsage } from '../limits/storage-usage';
import { TierTable } from '../limits/tier-table';
import { definitionsOf } from '../schemas/schema-definitions';
import type { StagingProcess } from '../staging/duckdb/staging-process';
import { GraphStanding } from '../staging/graph-standing';
import { type PreparedTables, StagingService } from '../staging/staging.service';
import { LoadEstimate } from './load-estimate';
import { type Counts, keysOf, loadsOf, NO_ROWS, refuseBadTables, refuseMismatch } from './load-plan';
import type { MaterializationPlan } from './materialization-plan';
import { linksOf, tableResults } from './materialization-result';
import { MaterializationsRepository } from './materializations.repository';

/** Shares of the progress bar, in percent: checking and typing the rows comes first, loading takes longest. */
const PREPARED = 25;
const LOADED = 90;

export interface LoadJob {
  graph: Graph;
  live: Generation | null;
  plan: MaterializationPlan;
  directory: string;
  ignoreErrors: boolean;
}

export interface Loaded {
  build: Build;
  prepared: PreparedTables;
  manifest: GenerationManifest;
  /** Rows that were there before. */
  base: Counts;
}

export interface Publication {
  plan: MaterializationPlan;
  /** What the history says of it. */
  mode: string;
  loaded: Loaded;
  startedAt: Date;
  result: { rows_loaded: number; rows_rejected: number };
}

/** Builds the generation of a plan from checked rows, and publishes it with its history. */
@Injectable()
export class GenerationLoader {
  constructor(
    private readonly generations: GenerationsService,
    private readonly staging: StagingService,
    private readonly standing: GraphStanding,
    private readonly engine: GraphEngine,
    private readonly tiers: TierTable,
    private readonly storage: StorageUsage,
    private readonly history: MaterializationsRepository,
    private readonly clock: Clock,
    private readonly platform: PlatformConfig,
  ) {}

  /** Checks, builds and counts. Throws what is wrong with the rows, `ContentTooLarge`, `StorageLimitReached`. */
  async load(ctx: OperationContext, { graph, live, plan, directory, ignoreErrors }: LoadJob): Promise<Loaded> {
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
    const checking = await this.staging.readyToPrepare(directory, ctx.signal);
    const manifest = await this.engine
      .build(
        {
          target: build,
          base: incremental && build.live ? { ...build.live, sha256: live?.manifest?.sha256 } : undefined,
          keys,
          definitions: incremental ? [] : definitionsOf(graph.schema),
          inputDirectory: directory,
          keepOpen: this.platform.has('engine'),
          mergeLater: incremental,
          loads: async () => {
            prepared = await this.check(
              ctx,
              graph,
              plan,
              directory,
              ignoreErrors,
              new Map(keys.map(knownKey)),
              checking,
            );
            return loadsOf(graph.schema, prepared, base);
          },
        },
        { signal: ctx.signal, onProgress: progressOf(ctx) },
      )
      .finally(() => checking.kill());
    refuseMismatch(prepared!, manifest, base);
    this.tiers.requireContent(graph.tier, manifest);
    await this.storage.requireFits(graph.id, graph.tier, manifest.bytes);
    return { build, prepared: prepared!, manifest, base };
  }

  private async check(
    ctx: OperationContext,
    graph: Graph,
    plan: MaterializationPlan,
    directory: string,
    ignoreErrors: boolean,
    knownKeys: ReadonlyMap<string, string[]>,
    started: StagingProcess,
  ): Promise<PreparedTables> {
    ctx.progress(1, 'Checking staged rows', step(1));
    const prepared = await this.staging.prepare(graph.id, graph.schema, plan.files, directory, {
      signal: ctx.signal,
      keepFor: ctx,
      knownKeys,
      started,
      onProgress: (percent, table) => ctx.progress(1 + (percent / 100) * (PREPARED - 1), `Checking ${table}`, step(1)),
    });
    refuseBadTables(prepared, ignoreErrors, linksOf(graph.id, ctx.operationId));
    return prepared;
  }

  /** Makes it live, in one transaction with whatever `also` writes. */
  publish(
    ctx: OperationContext,
    { plan, mode, loaded: { build, prepared, manifest }, startedAt, result }: Publication,
    also: (em: EntityManager) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    ctx.progress(95, 'Publishing', step(3));
    const { generation, graphId } = build;
    const write = async (em: EntityManager): Promise<void> => {
      await also(em);
      await this.standing.noteHeld(em, graphId, {
        files: plan.contents.files,
        generation,
        reason: 'files were staged or removed while it was being loaded',
        behind: plan.contents.behind,
        materializations: 1,
      });
      await this.history.insert(em, graphId, {
        generation,
        operationId: ctx.operationId,
        mode,
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
    };
    return this.generations.publish(ctx, build, manifest, write, plan.contents);
  }
}

function knownKey({ table, file }: { table: string; file: string }): [string, string[]] {
  return [table, [file]];
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
