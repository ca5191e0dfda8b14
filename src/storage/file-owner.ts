import { readFileSync, readlinkSync } from 'node:fs';

/** Between the parts of an owner's name; none of them contains it. */
const SEPARATOR = '_';

/**
 * Names a process for good, also when its id is given out again: `<boot>_<id space>_<pid>_<start>`.
 * Undefined where there is no such process, or no /proc to tell.
 */
export function nameOfProcess(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // Containers number their processes for themselves, so ids mean something within one of them only.
    const space = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
    // After the program's name, which stands in brackets and may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, start] = [fields[0], fields[19]];
    return state === 'Z' || state === 'X' ? undefined : [boot, space, pid, start].join(SEPARATOR);
  } catch {
    return undefined;
  }
}

/** Whether the process that a file's name begins with has ended; undefined where that cannot be told from here. */
export function ownerIsGone(fileName: string): boolean | undefined {
  const [boot, space, pid, start] = fileName.split(SEPARATOR);
  const own = nameOfProcess(process.pid)?.split(SEPARATOR);
  if (own === undefined || start === undefined || own[0] !== boot || own[1] !== space) return undefined;
  return nameOfProcess(Number(pid)) !== [boot, space, pid, start].join(SEPARATOR);
}
