import { readFileSync } from 'node:fs';

/** Linux counts memory in pages; Node does not tell their size, and 4 KiB holds for x64 and nearly all arm64 kernels. */
const PAGE_BYTES = 4_096;

/** Linux counts CPU time in these for /proc, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** A process and all below it: a sandbox's helper comes first, the host is its child. Empty where there is no /proc. */
export function processTree(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return [
      pid,
      ...children
        .split(/\s+/)
        .filter(Boolean)
        .flatMap((child) => processTree(Number(child))),
    ];
  } catch {
    // Gone in the meantime, or a system without /proc (macOS): nothing can be measured.
    return [];
  }
}

/** Resident bytes of a process tree; null where they cannot be measured. */
export function residentBytes(pid: number): number | null {
  let total: number | null = null;
  for (const member of processTree(pid)) {
    try {
      const pages = Number(readFileSync(`/proc/${member}/statm`, 'utf8').split(' ')[1]);
      total = (total ?? 0) + pages * PAGE_BYTES;
    } catch {
      continue; // ended between the two reads
    }
  }
  return total;
}

/** CPU time that a process tree has used, in seconds, with that of its ended children; null where it cannot be measured. */
export function cpuSeconds(pid: number): number | null {
  let total: number | null = null;
  for (const member of processTree(pid)) {
    try {
      // The name, in parentheses, may hold anything; what is counted from stands after it.
      const fields = readFileSync(`/proc/${member}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      total = (total ?? 0) + ticks / TICKS_PER_SECOND;
    } catch {
      continue; // ended between the two reads
    }
  }
  return total;
}
