import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchPlatform } from './platform';
import { until } from './stats';

/** How late the platform's event loop was, in milliseconds. */
export interface LoopDelay {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

const PRELOAD = join(__dirname, '..', 'loop-delay.js');

/** Reads the event loop's delay of a platform that was started with `settings()`. */
export class LoopDelayProbe {
  private readonly file = join(tmpdir(), `gs-bench-loop-${process.pid}.json`);

  settings(): Record<string, string> {
    return { NODE_OPTIONS: `--require=${PRELOAD}`, BENCH_LOOP_DELAY_FILE: this.file };
  }

  /** What was seen since the last call; begins anew. */
  async take(platform: BenchPlatform): Promise<LoopDelay> {
    await rm(this.file, { force: true });
    platform.signal('SIGUSR2');
    const text = await until('the delay of the event loop', 10_000, () =>
      readFile(this.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      }),
    );
    await rm(this.file, { force: true });
    return JSON.parse(text) as LoopDelay;
  }
}
