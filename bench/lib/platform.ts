import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEntry } from '../../src/common/child-entry';
import { ApiClient } from '../../src/demo/api-client';
import { processTree } from '../../src/engine/ladybug/process-memory';
import { onCleanup } from './cleanup';
import { isAlive } from './processes';
import { until } from './stats';

const READY = /Graphstead is ready after [^\n]*?(http:\S+)\n/;
/** As in `npm start`: short-lived objects of many requests at once die before they are moved. */
const YOUNG_SPACE = '--max-semi-space-size=32';
const START_MS = 60_000;
const STOP_MS = 30_000;

/** A platform as its users start it, in a process and a data directory of its own, with the default settings. */
export class BenchPlatform {
  private constructor(
    private readonly child: ChildProcess,
    readonly dataDir: string,
    readonly url: string,
    readonly apiKey: string,
    /** Ends the processes and removes the directory. */
    readonly dispose: () => Promise<void>,
  ) {}

  /** Starts one, registered for clean-up. `settings` are environment variables on top of the defaults. */
  static async start(settings: Record<string, string> = {}): Promise<BenchPlatform> {
    const dataDir = await mkdtemp(join(tmpdir(), 'gs-bench-'));
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [YOUNG_SPACE, childEntry('main')], {
      cwd: dataDir,
      env: { PATH, HOME, HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'warn', DATA_DIR: dataDir, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const dispose = onCleanup(() => end(child, dataDir));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)));
    }
    const ready = await until('the platform to start', START_MS, () => {
      if (child.exitCode !== null) throw new Error(`The platform ended:\n${output}`);
      return READY.exec(output) ?? undefined;
    });
    const credentials = JSON.parse(readFileSync(join(dataDir, 'credentials.json'), 'utf8')) as { api_key: string };
    return new BenchPlatform(child, dataDir, ready[1], credentials.api_key, dispose);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get api(): ApiClient {
    return new ApiClient(this.url, this.apiKey);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The main process of the embedded Postgres and how to reach it, from the file that Postgres keeps about itself. */
  postgres(): Promise<{ pid: number; socketDirectory: string; port: number }> {
    return postmasterOf(this.dataDir);
  }

  /** Everything that runs for it: itself, its children, and Postgres with all of its own. */
  async processes(): Promise<number[]> {
    return [...processTree(this.pid), ...processTree((await this.postgres()).pid)];
  }

  /** The engine's file of a graph's newest generation. */
  graphFile(graphId: string, generation: number): string {
    return join(this.dataDir, 'graphs', graphId, String(generation), 'graph.lbug');
  }
}

async function postmasterOf(dataDir: string): Promise<{ pid: number; socketDirectory: string; port: number }> {
  const lines = (await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n');
  return { pid: Number(lines[0]), port: Number(lines[3]), socketDirectory: lines[4] };
}

/** Asks politely, then not; a Postgres that outlived its platform is ended too. */
async function end(child: ChildProcess, dataDir: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(timer);
  }
  // No such file: Postgres was stopped, as it should be, or never started.
  const postmaster = await postmasterOf(dataDir).catch(() => undefined);
  if (postmaster !== undefined && isAlive(postmaster.pid)) {
    process.kill(postmaster.pid, 'SIGQUIT');
    await until('Postgres to end', STOP_MS, () => (isAlive(postmaster.pid) ? undefined : true));
  }
  await rm(dataDir, { recursive: true, force: true });
}
