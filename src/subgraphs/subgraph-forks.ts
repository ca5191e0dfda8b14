import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { InvalidRequest } from '../common/problem.filter';
import { PlatformConfig } from '../config/platform.config';
import { type GenerationManifest, type GenerationRef, GraphEngine } from '../engine/graph-engine';
import { contentsOf, type GenerationContents } from '../graphs/generation-contents';
import { type Build, GenerationsService } from '../graphs/generations.service';
import type { Generation, Graph } from '../graphs/graph.entity';
import { notUsable } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import type { OperationContext } from '../jobs/operation-context';
import { StorageUsage } from '../limits/storage-usage';
import { TierTable } from '../limits/tier-table';
import { compareSchemas, statementsOf } from '../schemas/schema-changes';
import type { GraphSchema } from '../schemas/graph-schema';
import { definitionsOf } from '../schemas/schema-definitions';
import type { StagedFile } from '../staging/staged-file.entity';
import { StagedParts } from '../staging/staged-parts';
import { StagingService } from '../staging/staging.service';
import type { ForkOptions } from './fork-options';
import { exportsOf, loadsOf, refuseMismatch } from './fork-rows';
import { type ForkSelection, selectFork } from './fork-selection';
import type { Subgraph } from './subgraph';
import { extendedSchema } from './subgraph-schema';
import { ForkOutdated } from './subgraphs.errors';
import { SubgraphsRepository } from './subgraphs.repository';
import { GraphStanding } from '../staging/graph-standing';

/** Data of the parent, as the next generation of its subgraph, that is not live yet. */
export interface Fork {
  source: { ref: GenerationRef; row: Generation; schema: GraphSchema };
  selection: ForkSelection;
  schema: GraphSchema;
  build: Build;
  manifest: GenerationManifest;
  /** Files of the subgraph that stand for files of the parent, those that are new among them. */
  files: StagedFile[];
  copied: StagedFile[];
}

const FILTERED = 'the fork took only some of the rows of the files that came with it';

/** Makes the live data of a parent, all or some of it, the data of its subgraph. */
@Injectable()
export class SubgraphForks {
  constructor(
    private readonly graphs: GraphsService,
    private readonly generations: GenerationsService,
    private readonly engine: GraphEngine,
    private readonly staging: StagingService,
    private readonly parts: StagedParts,
    private readonly standing: GraphStanding,
    private readonly subgraphs: SubgraphsRepository,
    private readonly tiers: TierTable,
    private readonly storage: StorageUsage,
    private readonly platform: PlatformConfig,
  ) {}

  /** Builds it beside what is live, with copies of the parent's staged files where they are wanted. */
  async build(
    ctx: OperationContext,
    { graphId, parentId }: Subgraph,
    options: ForkOptions | null,
    directory: string,
  ): Promise<Fork> {
    ctx.progress(1, 'Looking at the parent');
    const [pinned, build, graph] = await Promise.all([
      this.generations.pinLive(ctx, parentId),
      this.generations.begin(ctx, graphId),
      this.graphs.get(graphId),
    ]);
    if (pinned === null) throw notUsable(parentId, (await this.graphs.get(parentId)).status);
    const { generation: row, schema: parentSchema } = pinned;
    const source = { ref: this.generations.ref(parentId, row.number), row, schema: parentSchema };
    const schema = stillPossible(() => extendedSchema(source.schema, graph.schema.extensions ?? []));
    const selection = stillPossible(() => selectFork(options, source.schema));
    const { files, copied } = options?.include_staging
      ? await this.bringFiles(ctx, graph, { id: parentId, schema: source.schema }, selection, directory)
      : { files: [], copied: [] };
    try {
      const job = { source, selection, schema, build, directory };
      const manifest = await (selection.whole ? this.copy(ctx, job) : this.load(ctx, job));
      await this.requireFits(graph, manifest, copied);
      return { ...job, manifest, files, copied };
    } catch (error) {
      await this.parts.discardCopies(copied);
      throw error;
    }
  }

  /** The limits of a tier may be lower than when the parent grew, and a reset comes to files that the subgraph has. */
  private async requireFits({ id, tier }: Graph, manifest: GenerationManifest, copied: StagedFile[]): Promise<void> {
    this.tiers.requireContent(tier, manifest);
    const staged = copied.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
    await this.storage.requireFits(id, tier, manifest.bytes + staged);
  }

  /** Makes it live, in one transaction with whatever `also` writes. */
  publish(
    ctx: OperationContext,
    fork: Fork,
    result: object,
    also: (em: EntityManager) => Promise<void>,
  ): Promise<void> {
    const { source, build, manifest, schema, copied } = fork;
    const { graphId, generation } = build;
    const contents = contentsFrom(fork);
    ctx.progress(95, 'Publishing');
    const write = async (em: EntityManager): Promise<void> => {
      await also(em);
      await this.subgraphs.noteOrigin(em, graphId, generation, source.row.number);
      await this.graphs.adoptSchema(em, graphId, schema, {
        userId: ctx.userId,
        operationId: ctx.operationId,
        generation,
      });
      await this.staging.insertStaged(em, copied);
      const reason = 'its data was taken from its parent, which does not hold all that is staged here';
      const { files, behind } = contents;
      await this.standing.noteHeld(em, graphId, { files, generation, reason, behind, materializations: 0 });
      await ctx.keepResult(em, result);
    };
    return this.generations.publish(ctx, build, manifest, write, contents);
  }

  /** All of it: a copy of the file, which nobody has to wait for. */
  private copy(ctx: OperationContext, { source, schema, build }: Job): Promise<GenerationManifest> {
    ctx.progress(10, 'Copying the data');
    const definitions = statementsOf(compareSchemas(source.schema, schema, {}));
    const unchanged = definitions.length === 0 ? (source.row.manifest ?? undefined) : undefined;
    return this.engine.build(
      { target: build, base: source.ref, unchanged, definitions, loads: [], keepOpen: this.platform.has('engine') },
      { signal: ctx.signal },
    );
  }

  /** Some of it: the rows leave the parent's data as files, which are loaded like others. */
  private async load(ctx: OperationContext, job: Job): Promise<GenerationManifest> {
    const { source, selection, schema, build, directory } = job;
    const exports = exportsOf(selection, directory);
    let written = 0;
    const rows = await this.engine.export(source.ref, exports, directory, {
      signal: ctx.signal,
      onProgress: ({ table }) => {
        written += 1;
        ctx.progress(5 + (written / exports.length) * 40, `Reading ${table}`);
      },
    });
    const loads = loadsOf(selection, exports, rows);
    const manifest = await this.engine.build(
      {
        target: build,
        definitions: definitionsOf(schema),
        loads,
        inputDirectory: directory,
        keepOpen: this.platform.has('engine'),
      },
      {
        signal: ctx.signal,
        onProgress: ({ table, rows: done, totalRows }) =>
          ctx.progress(45 + (totalRows === 0 ? 1 : done / totalRows) * 45, `Loading ${table}`),
      },
    );
    refuseMismatch(loads, manifest);
    return manifest;
  }

  /** The parent's files of the types that are taken; only those are copied that the subgraph does not have yet. */
  private async bringFiles(
    ctx: OperationContext,
    graph: Graph,
    parent: Pick<Graph, 'id' | 'schema'>,
    { nodes, relationships }: ForkSelection,
    directory: string,
  ): Promise<Pick<Fork, 'files' | 'copied'>> {
    ctx.progress(3, 'Copying staged files');
    const tables = new Set([...nodes, ...relationships].map(({ type }) => type.name));
    const [theirs, own] = await Promise.all([this.staging.snapshot(parent), this.staging.snapshot(graph)]);
    const known = new Set(own.map(({ copyOf }) => copyOf));
    const missing = theirs.filter(({ id, tableName }) => tables.has(tableName) && !known.has(id));
    if (missing.length > 0) {
      const had = await this.staging.fileCount(graph.id);
      this.tiers.requireRoomForFile(graph.tier, had + missing.length - 1);
    }
    const copied = await this.parts.copyFiles(missing, graph.id, { directory, ctx });
    return { files: [...own, ...copied], copied };
  }
}

type Job = Pick<Fork, 'source' | 'selection' | 'schema' | 'build'> & { directory: string };

/** What the new generation was made from: the copies of the files that the parent's was made from, and what has none here. */
function contentsFrom({ source, selection, files }: Fork): GenerationContents {
  const held = contentsOf(source.row);
  const here = files.filter(({ copyOf }) => copyOf !== null && held.files.includes(copyOf)).map(({ id }) => id);
  // Of a part of the tables it cannot be said which files without a copy would have had rows in it.
  const otherRows = here.length === 0 || held.otherRows || (selection.whole && here.length < held.files.length);
  if (here.length === 0) return { files: here, otherRows, behind: null };
  const filtered = selection.nodes.some(({ condition }) => condition !== undefined);
  return filtered
    ? { files: here, otherRows, behind: FILTERED }
    : { files: here, otherRows, behind: held.behind, taken: held.taken };
}

/** What was checked when the fork was asked for may have become impossible: the parent's schema has changed. */
function stillPossible<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof InvalidRequest ? new ForkOutdated(error.message) : error;
  }
}
