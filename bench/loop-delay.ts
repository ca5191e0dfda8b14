import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * Preloaded into the platform (`node --require`): measures how late its event loop is. On SIGUSR2 writes what it saw since
 * the last signal to the file that BENCH_LOOP_DELAY_FILE names, in milliseconds, and begins anew.
 */
const RESOLUTION_MS = 5;
const file = process.env.BENCH_LOOP_DELAY_FILE;

if (file !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  process.on('SIGUSR2', () => {
    // The histogram holds the whole time from one tick to the next, of which the resolution is not a delay.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    const { count, max } = histogram;
    const seen =
      count === 0
        ? { count }
        : { count, p50: late(histogram.percentile(50)), p99: late(histogram.percentile(99)), max: late(max) };
    histogram.reset();
    // Under another name first, so that whoever waits for the file never reads half of it.
    writeFileSync(`${file}.new`, JSON.stringify(seen));
    renameSync(`${file}.new`, file);
  });
}
