import type { ChildProcess } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Injectable, Logger } from '@nestjs/common';
import { assertNever } from '../../common/assert-never';
import { childEntry, compiledRoot, projectRoot } from '../../common/child-entry';
import { killGroup, spawnGroup } from '../../common/process-group';
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
  StagingEngineLost,
  StagingFailed,
  StagingOutOfMemory,
} from '../staging.errors';
import type { ChildInput, ChildMessage, Job, PrepareProgress, ResultOf, TaskFailure } from './messages';

/** Time for the last output of a process that has ended. */
const DRAIN_MS = 1_000;
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
   * Does one task. An abort kills the process at once and rejects with the signal's reason; what the task had written
   * into the directory is the caller's to remove. Throws `FileMalformed`, `StagedColumnsMissing`, `StagingOutOfMemory`,
   * `StorageFull`, and `StagingEngineLost` where the process ended without an answer.
   */
  async run<J extends Job>(job: J, { directory, signal, onProgress }: TaskOptions): Promise<ResultOf<J>> {
    signal.throwIfAborted();
    const tempDirectory = join(directory, '.duckdb');
    await mkdir(tempDirectory, { recursive: true });
    const reads = READ_ONLY.includes(job.task);
    const child = this.start(directory, reads ? tempDirectory : directory, { ...LIMITS, background: !reads });
    const kill = () => killGroup(child);
    signal.addEventListener('abort', kill);
    try {
      signal.throwIfAborted();
      const { memoryMb, threads, maxInflatedBytes, maxRows } = this.config;
      const limits = { memoryMb, threads, maxInflatedBytes, maxRows };
      const input: ChildInput = { job, ...limits, directory, tempDirectory };
      const answer = await converse(child, input, onProgress);
      signal.throwIfAborted();
      if (answer.type === 'done') return answer.result as ResultOf<J>;
      if (answer.errors !== '') this.logger.warn(`Staging process (${answer.failure.code}): ${answer.errors}`);
      throw domainError(answer.failure);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', kill);
      kill();
      await rm(tempDirectory, { recursive: true, force: true });
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

type Answer = Extract<ChildMessage, { type: 'done' }> | { type: 'failed'; failure: TaskFailure; errors: string };

/** Hands the task over and reads lines until the process ends. */
async function converse(
  child: ChildProcess,
  input: ChildInput,
  onProgress?: TaskOptions['onProgress'],
): Promise<Answer> {
  const ended = endOf(child);
  const errors = text(child.stderr as Readable).catch(() => '');
  // A process that died before it read its task is noticed by its missing answer.
  child.stdin!.on('error', () => undefined);
  // Stays open: its end tells the process that nobody waits for it any more.
  child.stdin!.write(`${JSON.stringify(input)}\n`);
  let answer: ChildMessage | undefined;
  const lines = createInterface({ input: child.stdout as Readable });
  lines.on('line', (line) => {
    const message = JSON.parse(line) as ChildMessage;
    if (message.type === 'progress') onProgress?.(message.progress);
    else answer = message;
  });
  await ended;
  if (answer?.type === 'done') return answer;
  if (answer?.type === 'failed') return { ...answer, errors: (await errors).slice(0, 4000) };
  throw new StagingEngineLost();
}

/**
 * Resolves once the process and its output have ended. The sandbox may be killed before it has tied the process inside
 * to itself; that one ends by the loss of its input, but may hold its output for a moment longer.
 */
function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let giveUp: NodeJS.Timeout | undefined;
    child.once('error', reject);
    child.once('exit', () => {
      child.stdin!.destroy();
      giveUp = setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream!.destroy()), DRAIN_MS);
    });
    child.once('close', () => {
      clearTimeout(giveUp);
      resolve();
    });
  });
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
