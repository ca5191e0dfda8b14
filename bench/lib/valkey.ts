import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, constants, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { projectRoot } from '../../src/common/child-entry';
import { onCleanup } from './cleanup';
import { until } from './stats';

/** A Redis-compatible server for the queue. */
export interface QueueServer {
  url: string;
  /** Undefined where it was not started here, so that its CPU time is not known. */
  pid?: number;
  end(): Promise<void>;
}

/**
 * The server that QUEUE_URL names, or one started here: `valkey-server` or `redis-server` from the PATH, or the one that
 * `npm run test:peers` has installed. Undefined where there is none.
 */
export async function queueServer(): Promise<QueueServer | undefined> {
  const url = process.env.QUEUE_URL;
  if (url) return { url, end: () => Promise.resolve() };
  const program = await findProgram();
  return program === undefined ? undefined : start(program);
}

async function findProgram(): Promise<string | undefined> {
  for (const name of ['valkey-server', 'redis-server']) {
    for (const directory of (process.env.PATH ?? '').split(':')) {
      if (await isExecutable(join(directory, name))) return join(directory, name);
    }
  }
  const venv = join(projectRoot(), '.cache', 'peers-venv');
  const files = await readdir(venv, { recursive: true }).catch(() => []);
  const found = files.find((file) => file.endsWith('/valkey-server'));
  if (found === undefined) return undefined;
  // As it comes out of its package it is not executable.
  await chmod(join(venv, found), 0o755);
  return join(venv, found);
}

/** A fresh one that keeps nothing, on a port that is free. */
async function start(program: string): Promise<QueueServer> {
  const directory = await mkdtemp(join(tmpdir(), 'gs-bench-queue-'));
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory];
  const child = spawn(program, options, { stdio: 'ignore' });
  const end = onCleanup(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await rm(directory, { recursive: true, force: true });
  });
  const url = `redis://127.0.0.1:${port}`;
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => 50, maxRetriesPerRequest: 200 });
  client.on('error', () => undefined);
  await until('the queue server to answer', 10_000, async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    return (await client.ping()) === 'PONG' ? true : undefined;
  }).finally(() => client.disconnect());
  return { url, pid: child.pid!, end };
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
