import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** All that a confined process, or the sandbox itself, gets to know of its caller's environment: where programs are. */
export const SYSTEM_PATH = { PATH: '/usr/local/bin:/usr/bin:/bin' };

export type ConfinementLevel = 'bubblewrap' | 'none';

export interface ConfinedCommand {
  command: string;
  args: string[];
}

/** What the kernel holds a process and all that it starts to; beyond them it is ended. It never writes a core dump. */
export interface ProcessLimits {
  /** Largest size of one file that it writes, in bytes. */
  fileBytes: number;
  /** CPU time of all its threads, in seconds. */
  cpuSeconds: number;
  /** It works for nobody who waits for an answer: where processors are scarce, those who do come first. */
  background?: boolean;
}

export interface ConfinementRequest extends ConfinedCommand {
  /** Absolute paths that the process may read, at the same place as outside. */
  readOnly: string[];
  /** Absolute paths that it may also change. */
  writable: string[];
  /** The whole environment of the process. */
  env?: Record<string, string>;
  /** Where it starts; must be among the paths above. */
  cwd?: string;
  limits?: ProcessLimits;
}

/** Added to the nice value: a busy processor then gives about three quarters of its time to those in the foreground. */
const BACKGROUND_NICE = 5;

/** POSIX: the unit of a shell's limit for files. */
const SHELL_BLOCK_BYTES = 512;

/** What a sandbox may keep in its own /tmp, which is memory. */
const SCRATCH_BYTES = 64 * 1024 * 1024;

/** System folders with programs and libraries; they hold no data of ours. */
const SYSTEM = ['/usr', '/lib', '/lib32', '/lib64', '/bin', '/sbin', '/etc/ld.so.cache', '/etc/alternatives'];

/**
 * Puts a child process where it sees system libraries, the given paths and nothing else: no network, no other
 * processes, no environment, no capabilities. Inherited descriptors stay open. With level `none` the command is
 * returned as it is, and the statement guard and the engine's own settings are the only walls.
 */
export class Confinement {
  constructor(readonly level: ConfinementLevel) {}

  /** Finds out by one trial run which level works here. Throws where `bubblewrap` is demanded and does not work. */
  static async probe(wanted: 'auto' | 'bubblewrap' | 'none'): Promise<Confinement> {
    if (wanted === 'none' || (wanted === 'auto' && process.platform !== 'linux')) return new Confinement('none');
    const confined = new Confinement('bubblewrap');
    const trial = confined.confine({ command: process.execPath, args: ['--version'], readOnly: [], writable: [] });
    try {
      await run(trial.command, trial.args, { timeout: 10_000, env: SYSTEM_PATH });
      return confined;
    } catch (error) {
      if (wanted === 'auto') return new Confinement('none');
      throw new Error(
        'ENGINE_CONFINEMENT is "bubblewrap" but bwrap does not work here. Install bubblewrap and allow user namespaces, or set it to "auto".',
        { cause: error },
      );
    }
  }

  confine(request: ConfinementRequest): ConfinedCommand {
    const { command, args, limits } = request;
    const walled = this.level === 'none' ? { command, args } : sandboxed(request);
    return limits === undefined || process.platform === 'win32' ? walled : limited(walled, limits);
  }
}

function sandboxed(request: ConfinementRequest): ConfinedCommand {
  const options = ['--unshare-all', '--die-with-parent', '--new-session', '--as-pid-1', '--cap-drop', 'ALL'];
  options.push(...systemMounts(), '--proc', '/proc', '--dev', '/dev');
  options.push('--size', String(SCRATCH_BYTES), '--tmpfs', '/tmp');
  const mounts = [
    ...[process.execPath, ...request.readOnly]
      .filter((path) => !path.startsWith('/usr/'))
      .map((path) => ['--ro-bind', path] as const),
    ...request.writable.map((path) => ['--bind', path] as const),
  ];
  // Outer folders first: a later mount would hide what lies below it.
  mounts.sort(([, a], [, b]) => a.length - b.length);
  for (const [option, path] of mounts) options.push(option, path, path);
  if (request.cwd) options.push('--chdir', request.cwd);
  options.push('--clearenv');
  for (const [name, value] of Object.entries(request.env ?? {})) options.push('--setenv', name, value);
  return { command: 'bwrap', args: [...options, '--', request.command, ...request.args] };
}

/** The shell sets the limits for itself and then becomes the command, so no process is added. */
function limited(
  { command, args }: ConfinedCommand,
  { fileBytes, cpuSeconds, background }: ProcessLimits,
): ConfinedCommand {
  const blocks = Math.ceil(fileBytes / SHELL_BLOCK_BYTES);
  const script = `ulimit -c 0 && ulimit -f ${blocks} && ulimit -t ${Math.ceil(cpuSeconds)} && exec ${background ? `nice -n ${BACKGROUND_NICE} ` : ''}"$@"`;
  return { command: '/bin/sh', args: ['-c', script, 'sh', command, ...args] };
}

/** Folders are mounted and links (`/lib` -> `usr/lib`) made again, so that it fits merged and unmerged systems. */
function systemMounts(): string[] {
  return SYSTEM.filter((path) => existsSync(path)).flatMap((path) =>
    lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path],
  );
}
