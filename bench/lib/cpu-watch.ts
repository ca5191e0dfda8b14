import { processTree } from '../../src/engine/ladybug/process-memory';
import type { BenchPlatform } from './platform';
import { cpuMs } from './processes';

/** Processes that end between two looks take that much of their CPU time with them unseen, at most. */
const EVERY_MS = 50;

/**
 * Adds up the CPU time, in milliseconds, of everything that runs for a platform, also of processes that come and go.
 * A parent's own count of its ended children would miss those that a sandbox's helper leaves behind.
 */
export async function watchCpu(platform: BenchPlatform): Promise<{ stop(): number }> {
  const postgres = await platform.postgres();
  const all = (): number[] => [...processTree(platform.pid), ...processTree(postgres.pid)];
  const before = new Map(all().map((pid) => [pid, cpuMs([pid])]));
  const latest = new Map<number, number>();
  const look = (): void => all().forEach((pid) => latest.set(pid, Math.max(cpuMs([pid]), latest.get(pid) ?? 0)));
  const timer = setInterval(look, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return [...latest].reduce((sum, [pid, ms]) => sum + ms - (before.get(pid) ?? 0), 0);
    },
  };
}
