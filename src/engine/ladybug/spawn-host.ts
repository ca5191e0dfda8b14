import type { ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import { childEntry, compiledRoot, packageFolder } from '../../common/child-entry';
import { spawnGroup } from '../../common/process-group';
import { type Confinement, type ProcessLimits, SYSTEM_PATH } from '../confinement';
import type { OpenMessage } from './messages';

export interface HostOptions {
  open: Omit<OpenMessage, 'protocol'>;
  confinement: Confinement;
  /** Paths besides the program that the process may read or change. */
  readOnly: string[];
  writable: string[];
  /** Among the writable ones, where results may be written; removed with the host. */
  scratch?: string;
  startMs: number;
  /** It is ended when it holds more. */
  memoryBytes: number;
  /** What the kernel itself holds it to. */
  limits: ProcessLimits;
}

/** Starts a host with an empty environment, in the sandbox, with the protocol's socket as its descriptor 3. */
export function spawnHost({ open, confinement, readOnly, writable, limits }: HostOptions): ChildProcess {
  const cwd = dirname(open.file);
  const env = {
    // One thread for each connection's query, and some for files.
    UV_THREADPOOL_SIZE: String(open.connections + 2),
    // Threads of the engine would otherwise keep freed memory to themselves.
    MALLOC_ARENA_MAX: '2',
  };
  const { command, args } = confinement.confine({
    command: process.execPath,
    args: ['--max-old-space-size=256', childEntry('engine/ladybug/host-main')],
    readOnly: [compiledRoot(), packageFolder('@ladybugdb/core'), ...readOnly],
    writable,
    env,
    cwd,
    limits,
  });
  const path = confinement.level === 'none' ? {} : SYSTEM_PATH;
  return spawnGroup(command, args, { cwd, env: { ...env, ...path }, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
}
