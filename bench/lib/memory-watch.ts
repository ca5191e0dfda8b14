import { residentBytes } from './processes';

const EVERY_MS = 25;

/** Watches the memory of a process from now on; `stop` says by how many bytes it grew at most. */
export function watchMemory(pid: number): { stop(): { before: number; growth: number } } {
  const before = residentBytes(pid);
  let highest = before;
  const look = (): void => void (highest = Math.max(highest, residentBytes(pid)));
  const timer = setInterval(look, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return { before, growth: highest - before };
    },
  };
}
