import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { PlatformConfig } from '../config/platform.config';
import { Transactor } from '../database/transactor';
import type { OperationContext } from './operation-context';
import { Sensor } from './sensor';

const LOOK_EVERY_MS = 60_000;

/**
 * Scratch space on disk for one attempt of one operation. It goes when the attempt ends; what a killed process left
 * behind goes when the next attempt begins, or else when this sensor finds that the operation is over.
 */
@Injectable()
export class WorkDirectories extends Sensor {
  protected readonly intervalMs = LOOK_EVERY_MS;

  constructor(
    private readonly config: PlatformConfig,
    private readonly transactor: Transactor,
  ) {
    super();
  }

  /** Runs `work` with the path of a fresh directory and removes it afterwards. */
  async use<T>({ operationId, attempt }: OperationContext, work: (directory: string) => Promise<T>): Promise<T> {
    // Earlier attempts are over, or stale: either way nothing of theirs may be used.
    await rm(this.config.path('work', operationId), { recursive: true, force: true });
    const directory = this.config.path('work', operationId, String(attempt));
    await mkdir(directory, { recursive: true });
    try {
      return await work(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
      await rmdir(this.config.path('work', operationId)).catch(unlessInUse);
    }
  }

  /** Removes the directories of operations that are neither pending nor running. */
  async look(): Promise<void> {
    const names = await readdir(this.config.path('work')).catch(noneIfAbsent);
    if (names.length === 0) return;
    const alive = await this.transactor.em.query<{ id: string }[]>(
      `select id from operation where id = any ($1) and status in ('pending', 'running')`,
      [names],
    );
    const kept = new Set(alive.map(({ id }) => id));
    for (const name of names.filter((candidate) => !kept.has(candidate))) {
      await rm(this.config.path('work', name), { recursive: true, force: true });
    }
  }
}

/** A later attempt of the same operation may have begun beside this one, or the sensor may have come first. */
function unlessInUse(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
}

function noneIfAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
