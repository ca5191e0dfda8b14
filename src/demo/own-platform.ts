import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(__dirname, '..', 'main.js');
const READY = /Graphstead is ready after [^\n]*?(http:\S+)/;

/** A platform for the time of a demo, with a data directory that goes with it. */
export class OwnPlatform {
  private constructor(
    private readonly process: ChildProcess,
    private readonly dataDir: string,
    readonly url: string,
  ) {}

  /** Throws with what it said where it ends before it is ready. */
  static async start(settings: Record<string, string>): Promise<OwnPlatform> {
    const dataDir = await mkdtemp(join(tmpdir(), 'graphstead-demo-'));
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, PORT: '0', DATA_DIR: dataDir, ...settings };
    const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    try {
      const url = await new Promise<string>((resolve, reject) => {
        for (const stream of [child.stdout, child.stderr]) {
          stream.on('data', (chunk: Buffer) => {
            output += chunk.toString();
            const ready = READY.exec(output);
            if (ready) resolve(ready[1]);
          });
        }
        child.once('close', () => reject(new Error(`The platform ended:\n${output}`)));
      });
      return new OwnPlatform(child, dataDir, url);
    } catch (error) {
      await rm(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  get apiKey(): string {
    const file = readFileSync(join(this.dataDir, 'credentials.json'), 'utf8');
    return (JSON.parse(file) as { api_key: string }).api_key;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGTERM');
      await ended;
    }
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
