import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;
const BYTES_PER_KB = 1024;

export function isAlive(pid: number): boolean {
  return ticksOf(pid) !== undefined;
}

/** CPU time of these processes so far, in milliseconds. */
export function cpuMs(pids: readonly number[]): number {
  const ticks = pids.reduce((sum, pid) => sum + (ticksOf(pid) ?? 0), 0);
  return (ticks * 1000) / ticksPerSecond();
}

/** Memory of a process that is in RAM, shared pages included, in bytes; 0 once it is gone. */
export function residentBytes(pid: number): number {
  const text = read(`/proc/${pid}/statm`);
  return text === undefined ? 0 : Number(text.split(' ')[1]) * PAGE_BYTES;
}

export interface Memory {
  /** Shared pages count in every process. */
  rssBytes: number;
  /** Shared pages count once, divided among those who share them. */
  pssBytes: number;
}

export function memoryOf(pids: readonly number[]): Memory {
  const sum = { rssBytes: 0, pssBytes: 0 };
  for (const pid of pids) {
    const text = read(`/proc/${pid}/smaps_rollup`) ?? '';
    sum.rssBytes += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0) * BYTES_PER_KB;
    sum.pssBytes += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) * BYTES_PER_KB;
  }
  return sum;
}

/** The end of the command line, which tells a Postgres backend from another and a host from the platform. */
export function nameOf(pid: number): string {
  return (read(`/proc/${pid}/cmdline`) ?? '').split('\0').join(' ').trim().slice(-60);
}

/** CPU time so far without that of its children; undefined once the process ended. */
function ticksOf(pid: number): number | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name stands in parentheses and may hold spaces; numbered fields follow it, the state first.
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  if (fields[0] === 'Z') return undefined;
  return fields.slice(11, 13).reduce((sum, field) => sum + Number(field), 0);
}

let perSecond: number | undefined;

function ticksPerSecond(): number {
  return (perSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })));
}

/** Processes come and go while one looks. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
