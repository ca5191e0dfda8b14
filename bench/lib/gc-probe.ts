import { rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchPlatform } from './platform';
import { until } from './stats';

const PRELOAD = join(__dirname, '..', 'gc-on-signal.js');

/** Has a platform that was started with `settings()` collect its garbage. */
export class GcProbe {
  private readonly file = join(tmpdir(), `gs-bench-gc-${process.pid}.json`);

  settings(): Record<string, string> {
    return { NODE_OPTIONS: `--require=${PRELOAD}`, BENCH_GC_FILE: this.file };
  }

  async collect(platform: BenchPlatform): Promise<void> {
    await rm(this.file, { force: true });
    platform.signal('SIGUSR2');
    await until('the garbage to be collected', 20_000, () =>
      stat(this.file).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return undefined;
          throw error;
        },
      ),
    );
    await rm(this.file, { force: true });
  }
}
