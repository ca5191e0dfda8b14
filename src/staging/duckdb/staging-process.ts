import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { killGroup } from '../../common/process-group';
import { StagingEngineLost } from '../staging.errors';
import type { ChildMessage, ChildSetup, Job, PrepareProgress, TaskFailure } from './messages';

/** Time for the last output of a process that has ended. */
const DRAIN_MS = 1_000;

export type Answer = Extract<ChildMessage, { type: 'done' }> | { type: 'failed'; failure: TaskFailure; errors: string };

/** One process of DuckDB, from its start to its end: it gets ready, is told one job, and answers. An abort ends it at once. */
export class StagingProcess {
  onProgress?: (progress: PrepareProgress) => void;
  private readonly ended: Promise<void>;
  private readonly errors: Promise<string>;
  private answered: Extract<ChildMessage, { type: 'done' | 'failed' }> | undefined;

  constructor(
    private readonly child: ChildProcess,
    readonly setup: ChildSetup,
    signal: AbortSignal,
  ) {
    const kill = (): void => this.kill();
    signal.addEventListener('abort', kill);
    if (signal.aborted) kill();
    this.ended = endOf(child).finally(() => signal.removeEventListener('abort', kill));
    // Whoever asks is told; one that is ended before it had a job has nobody to tell.
    this.ended.catch(() => undefined);
    this.errors = text(child.stderr as Readable).catch(() => '');
    // A process that died before it read its task is noticed by its missing answer.
    child.stdin!.on('error', () => undefined);
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      const message = JSON.parse(line) as ChildMessage;
      if (message.type === 'progress') this.onProgress?.(message.progress);
      else this.answered = message;
    });
    this.tell(setup);
  }

  /** Hands the job over and waits until the process has ended. Throws `StagingEngineLost` where it gave no answer. */
  async perform(job: Job): Promise<Answer> {
    this.tell(job);
    await this.ended;
    const { answered } = this;
    if (answered?.type === 'done') return answered;
    if (answered?.type === 'failed') return { ...answered, errors: (await this.errors).slice(0, 4000) };
    throw new StagingEngineLost();
  }

  kill(): void {
    killGroup(this.child);
  }

  /** Stdin stays open: its end tells the process that nobody waits for it any more. */
  private tell(line: object): void {
    this.child.stdin!.write(`${JSON.stringify(line)}\n`);
  }
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
