import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { Transactor } from '../database/transactor';
import type { Graph } from '../graphs/graph.entity';
import { GraphDeletion } from '../graphs/graph-deletion';
import type { OperationContext } from '../jobs/operation-context';
import { findType, type GraphSchema } from '../schemas/graph-schema';
import { ObjectStore } from '../storage/object-store';
import { ObjectNotFound } from '../storage/storage.errors';
import type { ColumnProblem, PartRef, PreparedTable } from './duckdb/messages';
import { StagingEngine } from './duckdb/staging-engine';
import type { StagingProcess } from './duckdb/staging-process';
import { columnTypes, preparedPairs, preparePlan } from './prepare-plan';
import { filePrefix, graphPrefix, partOf, StagedFile } from './staged-file.entity';
import { RejectsService } from './rejects.service';
import { GraphBusy, StagingChanged } from './staging.errors';
import { type HeldFiles, StagingRepository } from './staging.repository';

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
    private readonly engine: StagingEngine,
    private readonly rejects: RejectsService,
    private readonly deletion: GraphDeletion,
    private readonly transactor: Transactor,
    private readonly clock: Clock,
    private readonly ids: Ids,
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
      table.parts.push(await this.checkout(file, parts));
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

  /**
   * Makes a part of rows that came without a file. It is in no table until {@link insertStaged} says so, in the transaction
   * that makes the rows live; from then on it is a file like others, so that a rebuild has its rows too.
   */
  async partOfRows(
    { id: graphId, schema }: Pick<Graph, 'id' | 'schema'>,
    { id, tableName, rows, uploadKey }: { id: string; tableName: string; rows: object[]; uploadKey?: string },
    { directory, ctx }: { directory: string; ctx: OperationContext },
  ): Promise<StagedFile> {
    const [input, output] = [join(directory, `${tableName}.ndjson`), join(directory, `${tableName}.rows.parquet`)];
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    await writeFile(input, text);
    const types = columnTypes(schema, tableName);
    const job = { task: 'stage', format: 'json', input, output, types } as const;
    const { rows: rowCount, columns, content } = await this.engine.run(job, { directory, signal: ctx.signal });
    const partKey = `${filePrefix({ graphId, id })}rows.parquet`;
    await this.objects.putFile(partKey, output);
    const now = this.clock.now();
    return Object.assign(new StagedFile(), {
      id,
      graphId,
      tableName,
      fileName: `rows-${ctx.operationId}.ndjson`,
      format: 'json' as const,
      options: {},
      content,
      status: 'staged' as const,
      sizeBytes: Buffer.byteLength(text),
      uploadKey: uploadKey ?? partKey,
      partKey,
      rowCount,
      columns,
      error: null,
      operationId: ctx.operationId,
      materializedGeneration: null,
      ingestBy: null,
      ingestOperationId: null,
      createdBy: ctx.userId,
      createdAt: now,
      uploadedAt: now,
      stagedAt: now,
    });
  }

  /**
   * Copies staged files for another graph; neither notices what becomes of the other. The copies are in no table until
   * {@link insertStaged} says so. Throws `StagingChanged` (retryable) where a file was deleted since the snapshot.
   */
  async copyFiles(
    files: StagedFile[],
    graphId: string,
    { directory, ctx }: { directory: string; ctx: OperationContext },
  ): Promise<StagedFile[]> {
    const copies: StagedFile[] = [];
    try {
      for (const file of files) {
        ctx.signal.throwIfAborted();
        const id = this.ids.uuid();
        const partKey = partOf({ graphId, id }, ctx);
        const { path } = await this.checkout(file, directory);
        const materializedGeneration = null;
        const owned = {
          id,
          graphId,
          uploadKey: partKey,
          partKey,
          copyOf: file.id,
          createdBy: ctx.userId,
          ingestBy: null,
        };
        copies.push(
          Object.assign(new StagedFile(), file, owned, {
            operationId: ctx.operationId,
            ingestOperationId: null,
            materializedGeneration,
          }),
        );
        await this.objects.putFile(partKey, path);
      }
      return copies;
    } catch (error) {
      await this.discardCopies(copies);
      throw error;
    }
  }

  /** Removes copies that were not put into tables. */
  async discardCopies(copies: StagedFile[]): Promise<void> {
    for (const copy of copies) await this.objects.deletePrefix(filePrefix(copy));
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

  /** Throws `GraphBusy` while an operation changes the graph. */
  async requireUnchanging(em: EntityManager, graphId: string): Promise<void> {
    const busy = await this.files.changingOperation(em, graphId);
    if (busy !== null) throw new GraphBusy(busy);
  }

  /** Notes, in the transaction that makes a generation live, which files it holds. `reason`: why it may be stale now. */
  noteHeld(em: EntityManager, graphId: string, held: HeldFiles): Promise<void> {
    return this.files.noteHeld(em, graphId, held, this.clock.now());
  }

  /** Puts a staged file's part into a folder. Throws `StagingChanged` where the file was deleted meanwhile. */
  async checkout(file: StagedFile, folder: string): Promise<PartRef> {
    if (file.partKey === null) throw new Error(`File ${file.id} is ${file.status} and has no part`);
    const path = join(folder, `${file.id}.parquet`);
    try {
      await this.objects.checkout(file.partKey, path);
    } catch (error) {
      if (error instanceof ObjectNotFound) throw new StagingChanged(file.fileName);
      throw error;
    }
    const { mapping, ends, csv } = file.options;
    const formats = { dateFormats: csv?.dateFormats, timestampFormats: csv?.timestampFormats };
    return { fileId: file.id, fileName: file.fileName, path, mapping, ends, ...formats };
  }
}

/** Where the rows of a request are kept: with the file that becomes of the first of their tables. */
export function batchKey(graphId: string, batchId: string): string {
  return `${filePrefix({ graphId, id: batchId })}rows.json`;
}

/** The files of a request's rows: always the same ones, so that an attempt overwrites what one before it has left. */
export function fileOfRows(batchId: string, tableName: string, at: number): string {
  if (at === 0) return batchId;
  const digits = createHash('sha256').update(`${batchId}/${tableName}`).digest('hex');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}
