import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';

/**
 * Starts a child in a process group of its own, and ends with it whatever it leaves behind in that group. A sandbox needs
 * this: one that dies in its first milliseconds, before it has tied its own child to its life, would leave it for ever.
 */
export function spawnGroup(command: string, args: string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true });
  child.once('exit', () => signalGroup(child));
  return child;
}

/** Kills a child of {@link spawnGroup} with its group. Does nothing once the child has ended. */
export function killGroup(child: ChildProcess): void {
  // By then its number may be somebody else's.
  if (child.exitCode === null && child.signalCode === null) signalGroup(child);
}

function signalGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // The whole group is gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
