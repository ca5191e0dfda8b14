import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const READY_MS = 180_000;
const LOOK_MS = 200;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A Dagster of one's own: webserver and code server, with the jobs of `jobs.py`, runs and all in a process group. */
export class RealDagster {
  private webserver?: ChildProcess;
  private readonly groups: number[] = [];
  private output = '';

  private constructor(
    readonly port: number,
    private readonly home: string,
    private readonly environment: Record<string, string>,
  ) {}

  /** `environment`: what the jobs are to know. */
  static async start(port: number, environment: Record<string, string>): Promise<RealDagster> {
    const home = await mkdtemp(join(tmpdir(), 'gs-dagster-'));
    await copyFile(join(__dirname, 'dagster.yaml'), join(home, 'dagster.yaml'));
    const dagster = new RealDagster(port, home, environment);
    await dagster.open();
    return dagster;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the webserver; resolves when it answers. */
  async open(): Promise<void> {
    const webserver = spawn(
      join(process.env.DAGSTER_VENV!, 'bin', 'dagster-webserver'),
      ['-h', '127.0.0.1', '-p', String(this.port), '-w', join(__dirname, 'workspace.yaml')],
      {
        cwd: __dirname,
        detached: true,
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          DAGSTER_HOME: this.home,
          DAGSTER_DISABLE_TELEMETRY: '1',
          PYTHONDONTWRITEBYTECODE: '1',
          ...this.environment,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    for (const stream of [webserver.stdout, webserver.stderr]) {
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.webserver = webserver;
    this.groups.push(webserver.pid!);
    const until = Date.now() + READY_MS;
    while (!(await this.answers())) {
      if (webserver.exitCode !== null || Date.now() > until) throw new Error(`Dagster did not start:\n${this.output}`);
      await delay(LOOK_MS);
    }
  }

  /** Stops the webserver alone: its code server and its runs go on. */
  async shut(): Promise<void> {
    const exited = once(this.webserver!, 'exit');
    this.webserver!.kill('SIGTERM');
    await exited;
  }

  /** Ends everything of it. */
  async end(): Promise<void> {
    for (const group of this.groups) {
      try {
        process.kill(-group, 'SIGKILL');
      } catch {
        // All of it has ended.
      }
    }
    await rm(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }

  private async answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/server_info`)).ok;
    } catch {
      return false;
    }
  }
}

/** Passes requests on, and can keep the answer to a launch. */
export class Relay {
  /** Called when a launch has been answered by Dagster; its sender gets the answer when this resolves. */
  onLaunched: () => Promise<void> = () => Promise.resolve();

  private constructor(private readonly server: Server) {}

  static async to(target: string): Promise<Relay> {
    const server = createServer((request, response) => {
      void (async () => {
        let body = '';
        for await (const chunk of request) body += String(chunk);
        const answer = await fetch(`${target}${request.url}`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
        });
        const text = await answer.text();
        if (body.includes('"operationName":"LaunchRun"')) await relay.onLaunched();
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(text);
      })().catch(() => response.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const relay: Relay = new Relay(server);
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
