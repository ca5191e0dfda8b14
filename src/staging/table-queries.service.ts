import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '@duckdb/node-api';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock';
import { PlatformConfig } from '../config/platform.config';
import { GraphsService } from '../graphs/graphs.service';
import type { QueryResult } from './duckdb/messages';
import { StagingEngine } from './duckdb/staging-engine';
import { preparePlan } from './prepare-plan';
import { StagingConfig } from './staging.config';
import { SqlTimeout, TableQueriesBusy } from './staging.errors';
import { StagingService } from './staging.service';

const BYTES_PER_MB = 1024 * 1024;
/** DuckDB ends the statement itself; a process that has not answered so much later is ended. */
const KILL_AFTER_TIMEOUT_MS = 2_000;
/** A process that was killed may leave a directory; nothing that runs is older. */
const LEFT_BEHIND_MS = 60 * 60 * 1000;

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
  async run(graphId: string, query: TableQuery, signal: AbortSignal): Promise<QueryResult> {
    if (this.running >= this.config.queryConcurrency) throw new TableQueriesBusy();
    this.running += 1;
    try {
      return await this.inDirectory((directory) => this.answer(graphId, query, directory, signal));
    } finally {
      this.running -= 1;
    }
  }

  private async answer(
    graphId: string,
    query: TableQuery,
    directory: string,
    signal: AbortSignal,
  ): Promise<QueryResult> {
    const { schema } = await this.graphs.get(graphId);
    const files = await this.staging.snapshot(graphId);
    const parts = join(directory, 'parts');
    await mkdir(parts);
    const tables = preparePlan(schema).map(({ table, columns }) => ({ table, columns, parts: [] as string[] }));
    for (const file of files) {
      const table = tables.find((candidate) => candidate.table === file.tableName);
      if (table) table.parts.push((await this.staging.checkout(file, parts)).path);
    }
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
