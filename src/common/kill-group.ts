import type { ChildProcess } from 'node:child_process';

/**
 * Kills a child that was spawned with `detached: true`, together with what it has started. A sandbox needs this: killed
 * in its first milliseconds, before it has tied its own child to its life, it would leave that child behind for ever.
 */
export function killGroup(child: ChildProcess): void {
  // Once it has ended, its number may be somebody else's.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // The whole group is gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
