import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';

/** Whoever waits for the build itself comes first: it is published and asked meanwhile. */
const AFTER_MS = 500;

/** A generation as one database file without a log. */
export interface MergedCopy {
  directory: string;
  /** Of the database file. */
  sha256: string;
}

/**
 * Copies of generations with their logs put into the file, beside them: `7.merged-<sha256>` for `7`. They are made when
 * nobody waits, one after the other, so that the next build neither replays nor merges the log. What queries read stays as
 * it is, and a generation without its copy lacks nothing.
 */
export class MergedCopies {
  private readonly logger = new Logger(MergedCopies.name);
  private readonly making = new Map<string, { abort: AbortController; done: Promise<void> }>();
  private turn: Promise<void> = Promise.resolve();

  /** `merge`: makes the copy of a generation in an empty directory; its SHA-256. */
  constructor(private readonly merge: (from: string, to: string, signal: AbortSignal) => Promise<string>) {}

  /** Makes the copy of a generation soon. */
  begin(directory: string): void {
    const abort = new AbortController();
    const make = this.turn.then(() => this.make(directory, abort.signal));
    const done = make
      .catch((error: Error) => {
        if (!abort.signal.aborted)
          this.logger.warn(`A log stays as it is, and its graph slower to add to: ${error.message}`);
      })
      .finally(() => this.making.delete(directory));
    this.making.set(directory, { abort, done });
    this.turn = done;
  }

  /** The copy of a generation, where it was made. */
  async find(directory: string): Promise<MergedCopy | undefined> {
    const [name] = await namesOf(directory, '.merged-');
    if (name === undefined) return undefined;
    return {
      directory: join(dirname(directory), name),
      sha256: name.slice(name.indexOf('.merged-') + '.merged-'.length),
    };
  }

  /** The generation is gone, and so is its copy. */
  async drop(directory: string): Promise<void> {
    await this.stop(directory);
    for (const name of await namesOf(directory, '.merg')) {
      await rm(join(dirname(directory), name), { recursive: true, force: true });
    }
  }

  /** Waits until what was begun is made; resolves at once where nothing was. */
  async settled(directory: string): Promise<void> {
    await this.making.get(directory)?.done;
  }

  /** Stops making copies. */
  async close(): Promise<void> {
    await Promise.all([...this.making.keys()].map((directory) => this.stop(directory)));
  }

  private async stop(directory: string): Promise<void> {
    this.making.get(directory)?.abort.abort();
    await this.settled(directory);
  }

  private async make(directory: string, signal: AbortSignal): Promise<void> {
    await delay(AFTER_MS, undefined, { signal, ref: false });
    const draft = `${directory}.merging`;
    // Of a process that was killed.
    await rm(draft, { recursive: true, force: true });
    await mkdir(draft, { mode: 0o700 });
    try {
      const copy = `${directory}.merged-${await this.merge(directory, draft, signal)}`;
      await rename(draft, copy);
      // Dropped by another process, which may have looked for the copy before it was there.
      if (!existsSync(directory)) await rm(copy, { recursive: true, force: true });
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
}

async function namesOf(directory: string, suffix: string): Promise<string[]> {
  const names = await readdir(dirname(directory)).catch((): string[] => []);
  return names.filter((name) => name.startsWith(`${basename(directory)}${suffix}`));
}
