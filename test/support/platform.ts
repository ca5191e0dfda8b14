import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { queueSettings } from './queue-profile';
import { storageSettings } from './storage-profile';

const MAIN = join(__dirname, '..', '..', 'dist', 'src', 'main.js');
const START_MS = 60_000;

export interface Credentials {
  url: string;
  email: string;
  password: string;
  api_key: string;
}

/** The platform as its users start it: a process of its own, reached over HTTP alone. */
export class Platform {
  output = '';
  url = '';

  private constructor(
    readonly process: ChildProcess,
    readonly dataDir: string,
  ) {}

  static async newDataDir(): Promise<{ dataDir: string; remove: () => Promise<void> }> {
    const dataDir = await mkdtemp(join(tmpdir(), 'gs-e2e-'));
    return { dataDir, remove: () => rm(dataDir, { recursive: true, force: true }) };
  }

  /** Starts the platform and waits until it says that it is ready; throws with its output when it ends before. */
  static async start(dataDir: string, settings: Record<string, string> = {}): Promise<Platform> {
    const platform = Platform.launch(dataDir, settings);
    const ready = await platform.outputMatches(/Graphstead is ready after [^\n]*?(http:\S+)?\n/);
    platform.url = ready[1] ?? '';
    return platform;
  }

  static launch(dataDir: string, settings: Record<string, string> = {}): Platform {
    const child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        PORT: '0',
        DATA_DIR: dataDir,
        ...queueSettings(settings.DATABASE_URL),
        ...storageSettings(basename(dataDir)),
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const platform = new Platform(child, dataDir);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        platform.output += chunk.toString();
        child.emit('output');
      });
    }
    return platform;
  }

  /** Resolves once the output matches; rejects when the process ends, or stays silent about it, for too long. */
  outputMatches(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => settle(() => reject(new Error(`${why}:\n${this.output}`)));
      const look = (): void => {
        const match = pattern.exec(this.output);
        if (match) settle(() => resolve(match));
      };
      const ended = (): void => fail('The platform ended');
      const timer = setTimeout(() => fail(`No ${String(pattern)}`), START_MS);
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.process.off('output', look).off('close', ended);
        act();
      };
      this.process.on('output', look).on('close', ended);
      look();
    });
  }

  get credentials(): Credentials {
    return JSON.parse(readFileSync(join(this.dataDir, 'credentials.json'), 'utf8')) as Credentials;
  }

  /** Sends a signal and waits for the end; the exit code, or null after a kill. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode;
    const closed = once(this.process, 'exit');
    this.process.kill(signal);
    const [code] = (await closed) as [number | null];
    return code;
  }
}
