import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Preloaded into the platform (`node --require`): on SIGUSR2 collects all garbage, so that memory can be compared, and
 * makes the file that BENCH_GC_FILE names.
 */
const file = process.env.BENCH_GC_FILE;

if (file !== undefined) {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  process.on('SIGUSR2', () => {
    gc();
    // Once more: what finalisers let go of.
    setTimeout(() => {
      gc();
      writeFileSync(file, JSON.stringify(process.memoryUsage()));
    }, 500);
  });
}
