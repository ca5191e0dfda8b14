import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import type { Graph } from '../graphs/graph.entity';
import { GraphDeletion } from '../graphs/graph-deletion';
import type { OperationContext } from '../jobs/operation-context';
import { findType, type GraphSchema } from '../schemas/graph-schema';
import { ObjectStore } from '../storage/object-store';
import type { ColumnProblem, PreparedTable } from './duckdb/messages';
import { StagingEngine } from './duckdb/staging-engine';
import type { StagingProcess } from './duckdb/staging-process';
import { preparedPairs, preparePlan } from './prepare-plan';
import { graphPrefix, type StagedFile } from './staged-file.entity';
import { RejectsService } from './rejects.service';
import { StagedParts } from './staged-parts';
import { StagingRepository } from './staging.repository';

const MOST_SAMPLES = 20;

/** A rejected row as people look for it. */
export interface RejectedSample {
  table: string;
  file: string;
  /** 1 is the first row of data; a CSV header is not counted. */
  row: number;
  reason: string;
}

/** Every type of the schema, nodes first; tables without a file have zero rows. */
export interface PreparedTables {
  tables: PreparedTable[];
  /** Columns that the schema does not know, by file; they were left out. */
  unknownColumns: ColumnProblem[];
  /** The first rejected rows of all tables, with the reason in words. */
  samples: RejectedSample[];
  /** Holds all files that `tables` names; the engine's loader needs to see nothing else. */
  directory: string;
}

export interface PrepareOptions {
  signal: AbortSignal;
  /** The attempt whose operation the rejected rows are kept for, to be read by `TableQueriesService.rejects`. */
  keepFor?: OperationContext;
  /**
   * For loading into a graph that has data: by node type, Parquet files below `directory` with a column of the key's name
   * that hold the keys of the graph. Ends may point at them, and new rows may have them again.
   */
  knownKeys?: ReadonlyMap<string, string[]>;
  /** The process that {@link StagingService.readyToPrepare} has started meanwhile. */
  started?: StagingProcess;
  /** Percent of the tables that are done, and the one that is being checked. */
  onProgress?: (percent: number, table: string) => void;
}

/** What materializing needs of staging. Uploading and looking at files is `FilesService`. */
@Injectable()
export class StagingService implements OnModuleInit {
  constructor(
    private readonly files: StagingRepository,
    private readonly objects: ObjectStore,
    private readonly parts: StagedParts,
    private readonly engine: StagingEngine,
    private readonly rejects: RejectsService,
    private readonly deletion: GraphDeletion,
    private readonly transactor: Transactor,
  ) {}

  onModuleInit(): void {
    this.deletion.register(async (graphId) => {
      await this.objects.deletePrefix(graphPrefix(graphId));
      await this.files.removeAll(this.transactor.em, graphId);
      await this.rejects.forget(graphId);
    });
  }

  /**
   * All staged files of a graph's types, in the order in which they came into it and then in which they were staged: of two nodes
   * with one key the later one counts. Files of types that the schema no longer has wait until it has them again.
   */
  async snapshot(
    { id: graphId, schema }: Pick<Graph, 'id' | 'schema'>,
    em: EntityManager = this.transactor.em,
  ): Promise<StagedFile[]> {
    const staged = await this.files.list(em, graphId, { statuses: ['staged'] }, {});
    const files = staged.filter(({ tableName }) => findType(schema, tableName) !== undefined);
    const since = ({ materializedGeneration }: StagedFile): number => materializedGeneration ?? Infinity;
    return files.sort(
      (a, b) =>
        (since(a) < since(b) ? -1 : since(a) > since(b) ? 1 : 0) ||
        (a.stagedAt?.getTime() ?? 0) - (b.stagedAt?.getTime() ?? 0) ||
        (a.id < b.id ? -1 : 1),
    );
  }

  /**
   * Starts what {@link prepare} will need, for those who know that they will prepare soon. Whoever does not come so far
   * kills it; an abort does as well.
   */
  readyToPrepare(directory: string, signal: AbortSignal): Promise<StagingProcess> {
    return this.engine.ready('prepare', { directory, signal });
  }

  /**
   * Checks the rows of the files against the schema and writes typed Parquet below `directory`, which the caller makes
   * and removes. Bad rows are counted, sampled and left out; whether that is acceptable is the caller's to say. Throws
   * `StagedColumnsMissing` for whole columns, `StagingChanged` (retryable) where a file was deleted since the snapshot.
   */
  async prepare(
    graphId: string,
    schema: GraphSchema,
    files: StagedFile[],
    directory: string,
    { signal, keepFor, knownKeys, started, onProgress }: PrepareOptions,
  ): Promise<PreparedTables> {
    const parts = join(directory, 'parts');
    const output = join(directory, 'prepared');
    await mkdir(parts, { recursive: true });
    await mkdir(output, { recursive: true });
    const tables = preparePlan(schema).map((table) => ({ ...table, knownKeys: knownKeys?.get(table.table) }));
    for (const file of files) {
      const table = tables.find((candidate) => candidate.table === file.tableName);
      // A type that the schema no longer has: its files wait, they are not part of the graph.
      if (file.graphId !== graphId || !table) continue;
      table.parts.push(await this.parts.checkout(file, parts));
    }
    const result = await this.engine.run(
      { task: 'prepare', tables: tables.flatMap((table) => preparedPairs(schema, table)), output },
      {
        directory,
        signal,
        onProgress: ({ table, tablesDone, tablesTotal }) => onProgress?.((tablesDone / tablesTotal) * 100, table),
      },
      started,
    );
    if (keepFor !== undefined) await this.rejects.keep(keepFor, graphId, result.tables);
    const samples = result.tables.flatMap(({ table, samples: rows }) =>
      rows.map(({ fileName, row, reason, detail }) => ({ table, file: fileName, row, reason: `${reason}: ${detail}` })),
    );
    return { ...result, samples: samples.slice(0, MOST_SAMPLES), directory };
  }

  /** How many files a graph has, whatever their state. */
  async fileCount(graphId: string): Promise<number> {
    return (await this.files.totals(this.transactor.em, graphId, {})).files;
  }

  /** Graphs with staged files that are to be loaded, and that no operation changes now. */
  graphsToIngest(): Promise<string[]> {
    return this.files.graphsToIngest(this.transactor.em);
  }

  /** The staged files of a graph that are to be loaded and that no operation was begun for, until the transaction's end. */
  lockFilesToIngest(em: EntityManager, graphId: string): Promise<StagedFile[]> {
    return this.files.lockFilesToIngest(em, graphId);
  }

  noteIngestion(em: EntityManager, files: StagedFile[], operationId: string): Promise<void> {
    const ids = files.map(({ id }) => id);
    return this.files.noteIngestion(em, ids, operationId);
  }

  /** Puts finished parts into their tables. */
  insertStaged(em: EntityManager, files: StagedFile[]): Promise<void> {
    return this.files.insertStaged(em, files);
  }
}
