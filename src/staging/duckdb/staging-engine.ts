import type { ChildProcess } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { assertNever } from '../../common/assert-never';
import { childEntry, compiledRoot, projectRoot } from '../../common/child-entry';
import { spawnGroup } from '../../common/process-group';
import { Confinement, type ProcessLimits, SYSTEM_PATH } from '../../engine/confinement';
import { StorageFull } from '../../storage/storage.errors';
import { StagingConfig } from '../staging.config';
import {
  FileMalformed,
  SqlInvalid,
  SqlOutOfMemory,
  SqlRefused,
  SqlTimeout,
  StagedColumnsMissing,
  StagingFailed,
  StagingOutOfMemory,
} from '../staging.errors';
import type { Job, PrepareProgress, ResultOf, TaskFailure } from './messages';
import { StagingProcess } from './staging-process';

/** Far above what any task needs that does what it should; memory has a limit of its own. */
const LIMITS: ProcessLimits = { fileBytes: 256 * 1024 ** 3, cpuSeconds: 14_400 };

/** Tasks that write nothing: the parts that they see may be the stored objects themselves. */
const READ_ONLY: Job['task'][] = ['query', 'profile'];

export interface TaskOptions {
  /** The only directory that the process sees; inputs and outputs of the job lie in it. */
  directory: string;
  signal: AbortSignal;
  onProgress?: (progress: PrepareProgress) => void;
}

/** Runs DuckDB: one short-lived, confined process for each task. */
@Injectable()
export class StagingEngine {
  private readonly logger = new Logger(StagingEngine.name);

  constructor(
    private readonly config: StagingConfig,
    private readonly confinement: Confinement,
  ) {}

  /**
   * Starts the process of a task whose job is not known yet, so that it is there by then. Give it to {@link run}; an abort
   * ends it, and so must whoever does not need it.
   */
  async ready(task: Job['task'], { directory, signal }: TaskOptions): Promise<StagingProcess> {
    signal.throwIfAborted();
    const tempDirectory = join(directory, '.duckdb');
    await mkdir(tempDirectory, { recursive: true });
    const reads = READ_ONLY.includes(task);
    const child = this.start(directory, reads ? tempDirectory : directory, { ...LIMITS, background: !reads });
    const { memoryMb, threads, maxInflatedBytes, maxRows } = this.config;
    const limits = { memoryMb, threads, maxInflatedBytes, maxRows };
    return new StagingProcess(child, { task, ...limits, directory, tempDirectory }, signal);
  }

  /**
   * Does one task. An abort kills the process at once and rejects with the signal's reason; what the task had written
   * into the directory is the caller's to remove. Throws `FileMalformed`, `StagedColumnsMissing`, `StagingOutOfMemory`,
   * `StorageFull`, and `StagingEngineLost` where the process ended without an answer.
   */
  async run<J extends Job>(job: J, options: TaskOptions, started?: StagingProcess): Promise<ResultOf<J>> {
    const { signal, onProgress } = options;
    const child = started ?? (await this.ready(job.task, options));
    child.onProgress = onProgress;
    try {
      const answer = await child.perform(job);
      signal.throwIfAborted();
      if (answer.type === 'done') return answer.result as ResultOf<J>;
      if (answer.errors !== '') this.logger.warn(`Staging process (${answer.failure.code}): ${answer.errors}`);
      throw domainError(answer.failure);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      child.kill();
      await rm(child.setup.tempDirectory, { recursive: true, force: true });
    }
  }

  private start(directory: string, writable: string, limits: ProcessLimits): ChildProcess {
    const { command, args } = this.confinement.confine({
      command: process.execPath,
      args: [childEntry('staging/duckdb/duckdb-main')],
      readOnly: [compiledRoot(), join(projectRoot(), 'node_modules'), directory],
      writable: [writable],
      cwd: directory,
      limits,
    });
    return spawnGroup(command, args, { cwd: directory, env: SYSTEM_PATH });
  }
}

function domainError({ code, message, details }: TaskFailure): Error {
  switch (code) {
    case 'file_malformed':
    case 'file_too_large':
      return new FileMalformed(message, details, code);
    case 'staging_columns_missing':
      return new StagedColumnsMissing(message, details);
    case 'staging_out_of_memory':
      return new StagingOutOfMemory();
    case 'storage_full':
      return new StorageFull();
    case 'sql_invalid':
      return new SqlInvalid(message);
    case 'sql_refused':
      return new SqlRefused(message);
    case 'query_timeout':
      return new SqlTimeout();
    case 'query_out_of_memory':
      return new SqlOutOfMemory();
    case 'internal':
      return new StagingFailed();
    default:
      return assertNever(code);
  }
}
