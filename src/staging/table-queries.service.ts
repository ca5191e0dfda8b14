import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Json } from '@duckdb/node-api';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock';
import { OPERATION_ID } from '../common/ids';
import { PlatformConfig } from '../config/platform.config';
import { GraphsService } from '../graphs/graphs.service';
import { REJECT_COLUMNS } from './duckdb/export-rejects';
import type { ExportJob, QueryResult, QueryTable } from './duckdb/messages';
import { StagingEngine } from './duckdb/staging-engine';
import { preparePlan } from './prepare-plan';
import { OperationNotFound } from '../operations/operations.errors';
import { RejectsService } from './rejects.service';
import { StagingConfig } from './staging.config';
import { SqlTimeout, TableQueriesBusy } from './staging.errors';
import { StagingService } from './staging.service';

const BYTES_PER_MB = 1024 * 1024;
/** DuckDB ends the statement itself; a process that has not answered so much later is ended. */
const KILL_AFTER_TIMEOUT_MS = 2_000;
/** A process that was killed may leave a directory; nothing that runs is older. */
const LEFT_BEHIND_MS = 60 * 60 * 1000;

/** For when there are none. */
const NO_REJECTS: QueryTable['columns'] = REJECT_COLUMNS.map((name) => ({
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

/** SQL over what is staged in a graph. Each statement has a confined DuckDB process of its own that sees these parts alone. */
@Injectable()
export class TableQueriesService implements OnModuleInit {
  private running = 0;

  constructor(
    private readonly graphs: GraphsService,
    private readonly staging: StagingService,
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
   * Throws {@link TableQueriesBusy}, {@link SqlTimeout}, `SqlInvalid`, `SqlRefused`, `SqlOutOfMemory`, or what the staging
   * engine throws. An abort ends the process.
   */
  run(graphId: string, query: TableQuery, signal: AbortSignal): Promise<QueryResult> {
    return this.limited((directory) => this.stagedTables(graphId, directory), query, signal);
  }

  /** A page of the rows that an operation of this graph rejected, by table, file and row. Throws what `RejectsService.checkout` throws. */
  async rejects(
    graphId: string,
    operationId: string,
    filter: RejectsFilter,
    page: { limit: number; offset: number },
    signal: AbortSignal,
  ): Promise<QueryResult> {
    if (!OPERATION_ID.test(operationId)) throw new OperationNotFound(operationId);
    const wanted = conditions(filter);
    const where = wanted.length > 0 ? `where ${wanted.map(({ name }) => `${name} = ?`).join(' and ')}` : '';
    const sql = `select table_name, file_id, file_name, "row", reason, detail, data from rejects ${where}
      order by table_name, file_name, file_id, "row"`;
    const query = { sql, parameters: wanted.map(({ value }) => value), ...page };
    return this.limited(
      async (directory) => {
        const parts = await this.kept.checkout(graphId, operationId, directory);
        return [{ table: 'rejects', columns: NO_REJECTS, parts }];
      },
      query,
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
    if (!OPERATION_ID.test(operationId)) throw new OperationNotFound(operationId);
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

  private limited(
    tablesIn: (directory: string) => Promise<QueryTable[]>,
    query: TableQuery,
    signal: AbortSignal,
  ): Promise<QueryResult> {
    return this.inTurn(async (directory) => {
      const tables = await tablesIn(directory);
      return this.answer(tables, query, directory, signal);
    });
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
    const parts = join(directory, 'parts');
    await mkdir(parts);
    const tables = preparePlan(schema).map(({ table, columns }) => ({ table, columns, parts: [] as string[] }));
    for (const file of files) {
      const table = tables.find((candidate) => candidate.table === file.tableName);
      if (table) table.parts.push((await this.staging.checkout(file, parts)).path);
    }
    return tables;
  }

  private async answer(
    tables: QueryTable[],
    query: TableQuery,
    directory: string,
    signal: AbortSignal,
  ): Promise<QueryResult> {
    const timeoutMs = this.config.queryTimeoutSeconds * 1000;
    const late = AbortSignal.timeout(timeoutMs + KILL_AFTER_TIMEOUT_MS);
    const maxBytes = this.config.queryMaxMb * BYTES_PER_MB;
    try {
      return await this.engine.run(
        { task: 'query', tables, ...query, maxBytes, timeoutMs },
        { directory, signal: AbortSignal.any([signal, late]) },
      );
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
