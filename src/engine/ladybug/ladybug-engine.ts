import { rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PlatformConfig } from '../../config/platform.config';
import { Confinement } from '../confinement';
import { EngineConfig } from '../engine.config';
import { EngineBusy } from '../engine.errors';
import {
  GraphEngine,
  type BuildProgress,
  type BuildSpec,
  type GenerationFile,
  type GenerationManifest,
  type GenerationRef,
  type HostStatus,
  type PlanOperator,
  type QueryRequest,
  type QueryStream,
  type ReadApart,
  type TableExport,
} from '../graph-engine';
import { HostGone } from './failures';
import { GraphBuilder } from './graph-builder';
import { existingDirectory, generationFiles, realDirectory } from './graph-file';
import { matchNodes, selectionOf } from './host-export';
import { HostFactory } from './host-factory';
import { HostPool } from './host-pool';
import type { HostProcess } from './host-process';
import { planTree } from './plan-tree';
import { removeAbandoned } from './scratch-folders';
import { SecondTries } from './second-tries';
import { guardCondition, guardStatement } from './statement-guard';
import { BYTES_PER_MB } from '../../common/units';

/** How long a query may wait for room among the open graphs. */
const WAIT_FOR_ROOM_MS = 10_000;
/** Queries of one graph that run, wait or are being read. */
const QUERIES_PER_GRAPH = 256;
const SHUTDOWN_GRACE_MS = 5_000;
const CHECK_TIMEOUT_MS = 10_000;

/** The embedded engine: LadybugDB, one file and (while it is awake) one host process per generation. */
@Injectable()
export class LadybugEngine extends GraphEngine implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(LadybugEngine.name);
  private readonly pool: HostPool<HostProcess>;
  private readonly builder: GraphBuilder;
  private readonly directories = new WeakMap<GenerationRef, string>();
  private readonly secondTries = new SecondTries((directory, request, signal) =>
    this.queryOnce(directory, request, signal),
  );

  private readonly scratch: string;

  constructor(config: EngineConfig, confinement: Confinement, platform: PlatformConfig) {
    super();
    this.scratch = platform.path('scratch');
    const hosts = new HostFactory(config, confinement, this.scratch);
    this.pool = new HostPool<HostProcess>(
      {
        maxHosts: config.maxHosts,
        idleCloseMs: config.idleCloseSeconds * 1000,
        totalBytes: config.hostsMemoryMb * BYTES_PER_MB,
      },
      (directory) => hosts.reader(directory),
    );
    this.builder = new GraphBuilder(hosts, (directory, host) => this.pool.offer(directory, host));
    this.logger.log(
      confinement.level === 'none'
        ? 'Engine processes are not confined: install bubblewrap for a sandbox (statements are guarded either way)'
        : `Engine processes are confined by ${confinement.level}`,
    );
  }

  onModuleInit(): Promise<void> {
    return removeAbandoned(this.scratch);
  }

  build(
    spec: BuildSpec,
    options: { signal: AbortSignal; onProgress?: (progress: BuildProgress) => void },
  ): Promise<GenerationManifest> {
    return this.builder.build(spec, options);
  }

  async files(target: GenerationRef): Promise<GenerationFile[]> {
    const paths = await generationFiles(realDirectory(target));
    return Promise.all(paths.map(async (path) => ({ name: basename(path), path, bytes: (await stat(path)).size })));
  }

  adopt(
    target: GenerationRef,
    place: (directory: string) => Promise<string | undefined>,
    options: { signal: AbortSignal; temporary?: boolean; keepOpen?: boolean },
  ): Promise<GenerationManifest> {
    return this.builder.adopt(target.directory, place, options);
  }

  export(
    source: GenerationRef,
    tables: TableExport[],
    directory: string,
    options: { signal: AbortSignal; onProgress?: (progress: BuildProgress) => void },
  ): Promise<number[]> {
    for (const table of tables) {
      // Of relationships nothing is in the words of a user.
      if (table.kind !== 'node') continue;
      if (table.condition !== undefined) guardCondition(table.condition);
      guardStatement(selectionOf(table));
    }
    return this.builder.export(realDirectory(source), tables, directory, options);
  }

  readApart<T>(
    source: GenerationRef,
    work: (query: ReadApart) => Promise<T>,
    { signal }: { signal: AbortSignal },
  ): Promise<T> {
    return this.builder.readApart(realDirectory(source), work, signal);
  }

  async checkCondition(target: GenerationRef, table: string, condition: string): Promise<void> {
    guardCondition(condition);
    const statement = `EXPLAIN ${matchNodes(table, condition)} RETURN 1`;
    const request = { statement, parameters: {}, timeoutMs: CHECK_TIMEOUT_MS, format: 'ndjson' as const };
    const { batches } = await this.query(target, request);
    for await (const _ of batches) continue;
  }

  async query(target: GenerationRef, request: QueryRequest, signal?: AbortSignal): Promise<QueryStream> {
    guardStatement(request.statement);
    this.secondTries.check(request);
    const directory = this.directoryOf(target);
    try {
      return await this.queryOnce(directory, request, signal);
    } catch (error) {
      if (!(error instanceof HostGone) || signal?.aborted) throw error;
      this.logger.warn('A host ended under a query that it had not answered; the query runs again');
      return this.secondTries.run(directory, request, signal);
    }
  }

  status(target: GenerationRef): HostStatus {
    const found = this.pool.peek(existingDirectory(target) ?? '');
    if (!found) return { state: 'asleep', uptimeSeconds: 0, runningQueries: 0, memoryBytes: null };
    const { host } = found;
    return {
      state: host ? 'awake' : 'waking',
      uptimeSeconds: host ? (Date.now() - host.startedAt) / 1000 : 0,
      runningQueries: host?.running ?? 0,
      memoryBytes: host?.memoryBytes() ?? null,
    };
  }

  readPlan(text: string): PlanOperator | undefined {
    return planTree(text);
  }

  async release(target: GenerationRef, graceMs: number): Promise<void> {
    const directory = existingDirectory(target);
    if (directory !== undefined) await this.pool.evict(directory, graceMs);
  }

  async drop(target: GenerationRef): Promise<void> {
    const directory = existingDirectory(target) ?? target.directory;
    await this.pool.evict(directory, 0);
    await rm(directory, { recursive: true, force: true });
    await this.builder.merged.drop(directory);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.builder.merged.close();
    await this.pool.closeAll(SHUTDOWN_GRACE_MS);
  }

  /** Asked of the file system once for each reference: this stands in the way of every query. */
  private directoryOf(target: GenerationRef): string {
    const known = this.directories.get(target) ?? realDirectory(target);
    this.directories.set(target, known);
    return known;
  }

  private async queryOnce(directory: string, request: QueryRequest, signal?: AbortSignal): Promise<QueryStream> {
    const lease = await this.pool.acquire(directory, WAIT_FOR_ROOM_MS);
    if (lease.host.running >= QUERIES_PER_GRAPH) {
      lease.release();
      throw new EngineBusy();
    }
    const query = lease.host.query(request, signal);
    void query.settled.then(() => lease.release());
    return query.ready;
  }
}
