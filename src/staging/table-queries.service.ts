import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Json } from '@duckdb/node-api';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock';
import { BYTES_PER_MB } from '../common/units';
import { PlatformConfig } from '../config/platform.config';
import { GraphsService } from '../graphs/graphs.service';
import { REJECT_COLUMNS } from './duckdb/export-rejects';
import type {
  ExportJob,
  ProfileJob,
  ProfileResult,
  QueryJob,
  QueryResult,
  QueryTable,
  ResultOf,
} from './duckdb/messages';
import { StagingEngine } from './duckdb/staging-engine';
import { preparePlan } from './prepare-plan';
import type { StagedFile } from './staged-file.entity';
import { RejectsService } from './rejects.service';
import { StagedParts } from './staged-parts';
import { StagingConfig } from './staging.config';
import { SqlTimeout, TableQueriesBusy } from './staging.errors';
import { StagingService } from './staging.service';

/** DuckDB ends the statement itself; a process that has not answered so much later is ended. */
const KILL_AFTER_TIMEOUT_MS = 2_000;
/** A process that was killed may leave a directory; nothing that runs is older. */
const LEFT_BEHIND_MS = 60 * 60 * 1000;

/** As what SQL over the staging tables sees rejected rows. A type of the schema with this name comes first. */
const REJECTS = 'rejects';
const REJECTS_COLUMNS: QueryTable['columns'] = REJECT_COLUMNS.map((name) => ({
  name,
  type: name === 'row' ? 'INT64' : 'STRING',
}));

export type RejectsFilter = Partial<Record<'table_name' | 'file_id' | 'reason', string>>;

export interface TableQuery {
  sql: string;
  parameters: Json[];
  offset: number;
  limit: number;
}

/** A statement of a user. */
export interface StagedQuery extends TableQuery {
  /** The operation whose rejected rows are the table `rejects`; else the last one of the graph that rejected any. */
  rejectsOf?: string;
}

/** Some files of a table, oldest first. */
export interface TableFiles extends Pick<QueryTable, 'table' | 'columns'> {
  files: StagedFile[];
}

/** SQL over what is staged in a graph. Each statement has a confined DuckDB process of its own that sees these parts alone. */
@Injectable()
export class TableQueriesService implements OnModuleInit {
  private running = 0;

  constructor(
    private readonly graphs: GraphsService,
    private readonly staging: StagingService,
    private readonly parts: StagedParts,
    private readonly kept: RejectsService,
    private readonly engine: StagingEngine,
    private readonly config: StagingConfig,
    private readonly platform: PlatformConfig,
    private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    const names = await readdir(this.folder()).catch(() => []);
    for (const name of names) {
      const found = await stat(this.folder(name)).catch(() => undefined);
      if (found && this.clock.now().getTime() - found.mtimeMs > LEFT_BEHIND_MS) await this.remove(name);
    }
  }

  /**
   * Throws {@link TableQueriesBusy}, {@link SqlTimeout}, `SqlInvalid`, `SqlRefused`, `SqlOutOfMemory`, what the staging
   * engine throws, and for rejected rows what `RejectsService.checkout` throws. An abort ends the process.
   */
  run(graphId: string, { rejectsOf, ...query }: StagedQuery, signal: AbortSignal): Promise<QueryResult> {
    const tables = async (directory: string): Promise<QueryTable[]> => {
      const staged = await this.stagedTables(graphId, directory);
      // Most statements do not ask for them, and they have to be fetched.
      if (staged.some(({ table }) => table.toLowerCase() === REJECTS) || !/rejects/i.test(query.sql)) return staged;
      const operationId = rejectsOf ?? (await this.kept.newest(graphId));
      return [...staged, await this.rejectsTable(graphId, operationId, directory)];
    };
    return this.limited(tables, this.pageOf(query), signal);
  }

  /** The same for some files of one table, by statements of our own. */
  runOn(files: TableFiles, query: TableQuery, signal: AbortSignal): Promise<QueryResult> {
    return this.limited(async (directory) => [await this.partsOf(files, directory)], this.pageOf(query), signal);
  }

  /** What the columns of some files of one table hold. Throws as {@link run} does. */
  profile(files: TableFiles, signal: AbortSignal): Promise<ProfileResult> {
    return this.limited(
      async (directory) => [await this.partsOf(files, directory)],
      ([table]): ProfileJob => ({ task: 'profile', table, timeoutMs: this.timeoutMs }),
      signal,
    );
  }

  /** A page of the rows that an operation of this graph rejected, by table, file and row. Throws what `RejectsService.checkout` throws. */
  async rejects(
    graphId: string,
    operationId: string,
    filter: RejectsFilter,
    page: { limit: number; offset: number },
    signal: AbortSignal,
  ): Promise<QueryResult> {
    const wanted = conditions(filter);
    const where = wanted.length > 0 ? `where ${wanted.map(({ name }) => `${name} = ?`).join(' and ')}` : '';
    const sql = `select table_name, file_id, file_name, "row", reason, detail, data from ${REJECTS} ${where}
      order by table_name, file_name, file_id, "row"`;
    const query = { sql, parameters: wanted.map(({ value }) => value), ...page };
    return this.limited(
      async (directory) => [await this.rejectsTable(graphId, operationId, directory)],
      this.pageOf(query),
      signal,
    );
  }

  /**
   * All of them as a file that is read while it is sent: however many they are, they cost disk and no memory, and what
   * fails does so before the first byte. Throws as {@link rejects} does.
   */
  async downloadRejects(
    graphId: string,
    operationId: string,
    filter: RejectsFilter,
    format: ExportJob['format'],
    signal: AbortSignal,
  ): Promise<Readable> {
    return this.inTurn(async (directory) => {
      const parts = await this.kept.checkout(graphId, operationId, directory);
      const output = join(directory, 'rejects');
      await this.engine.run(
        { task: 'export', parts, filter: conditions(filter), format, output },
        { directory, signal },
      );
      // Its name goes with the directory; the bytes stay until the reader is done.
      return (await open(output)).createReadStream();
    });
  }

  private get timeoutMs(): number {
    return this.config.queryTimeoutSeconds * 1000;
  }

  private pageOf(query: TableQuery): (tables: QueryTable[]) => QueryJob {
    const maxBytes = this.config.queryMaxMb * BYTES_PER_MB;
    return (tables) => ({ task: 'query', tables, ...query, maxBytes, timeoutMs: this.timeoutMs });
  }

  private limited<J extends QueryJob | ProfileJob>(
    tablesIn: (directory: string) => Promise<QueryTable[]>,
    jobFor: (tables: QueryTable[]) => J,
    signal: AbortSignal,
  ): Promise<ResultOf<J>> {
    return this.inTurn(async (directory) => this.answer(jobFor(await tablesIn(directory)), directory, signal));
  }

  private async inTurn<T>(work: (directory: string) => Promise<T>): Promise<T> {
    if (this.running >= this.config.queryConcurrency) throw new TableQueriesBusy();
    this.running += 1;
    try {
      return await this.inDirectory(work);
    } finally {
      this.running -= 1;
    }
  }

  private async stagedTables(graphId: string, directory: string): Promise<QueryTable[]> {
    const { schema } = await this.graphs.get(graphId);
    const files = await this.staging.snapshot({ id: graphId, schema });
    const tables: QueryTable[] = [];
    for (const { table, columns } of preparePlan(schema)) {
      const own = files.filter(({ tableName }) => tableName === table);
      tables.push(await this.partsOf({ table, columns, files: own }, directory));
    }
    return tables;
  }

  private async rejectsTable(graphId: string, operationId: string | undefined, directory: string): Promise<QueryTable> {
    const folder = join(directory, REJECTS);
    await mkdir(folder, { recursive: true });
    const parts = operationId === undefined ? [] : await this.kept.checkout(graphId, operationId, folder);
    return { table: REJECTS, columns: REJECTS_COLUMNS, parts };
  }

  private async partsOf({ table, columns, files }: TableFiles, directory: string): Promise<QueryTable> {
    const folder = join(directory, 'parts');
    await mkdir(folder, { recursive: true });
    const parts: string[] = [];
    for (const file of files) parts.push((await this.parts.checkout(file, folder)).path);
    return { table, columns, parts };
  }

  private async answer<J extends QueryJob | ProfileJob>(
    job: J,
    directory: string,
    signal: AbortSignal,
  ): Promise<ResultOf<J>> {
    const late = AbortSignal.timeout(this.timeoutMs + KILL_AFTER_TIMEOUT_MS);
    try {
      return await this.engine.run(job, { directory, signal: AbortSignal.any([signal, late]) });
    } catch (error) {
      throw late.aborted && !signal.aborted ? new SqlTimeout() : error;
    }
  }

  private async inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const name = randomUUID();
    await mkdir(this.folder(name), { recursive: true });
    try {
      return await work(this.folder(name));
    } finally {
      await this.remove(name);
    }
  }

  private remove(name: string): Promise<void> {
    return rm(this.folder(name), { recursive: true, force: true });
  }

  private folder(name = ''): string {
    return this.platform.path('table-queries', name);
  }
}

function conditions(filter: RejectsFilter): { name: string; value: string }[] {
  return Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}
