import { Platform } from '../support/platform';
import { StatementProxy, type Verdict } from './statement-proxy';

/** Where a worker is killed: at a statement, or so long after its first one, when it may be at work with files or children. */
export type KillPoint =
  | { step: string; verdict: Verdict }
  /** The first statement that begins so, once the same worker has sent one that begins with `since`. */
  | { statement: string; since: string; verdict: Verdict }
  | { afterMs: number };

export interface Kill {
  /** The point was met, and the worker at work is dead. */
  done: boolean;
}

interface Worker {
  platform: Platform;
  proxy: StatementProxy;
  /** How often it has sent each statement since somebody began to count. */
  sent: Map<string, number>;
}

/** Always two, so that one goes on where the other was killed; the next one starts meanwhile. */
const AT_ONCE = 2;

/** Worker processes of the platform, each with a proxy to the database in which it can be killed at a known step. */
export class KillableWorkers {
  private readonly workers = new Set<Worker>();
  private readonly starting = new Set<Promise<void>>();
  private onStatement: (worker: Worker, step: string) => Verdict = () => 'pass';
  private timer?: NodeJS.Timeout;

  private constructor(
    private readonly dataDir: string,
    private readonly settings: Record<string, string>,
  ) {}

  static async start(dataDir: string, settings: Record<string, string>): Promise<KillableWorkers> {
    const workers = new KillableWorkers(dataDir, settings);
    await Promise.all(Array.from({ length: AT_ONCE }, () => workers.add()));
    return workers;
  }

  /** The steps of what is worked on from now on, as they come: each statement with the count of its coming. */
  listen(): string[] {
    const steps: string[] = [];
    this.count((_worker, step) => {
      steps.push(step);
      return 'pass';
    });
    return steps;
  }

  /** Kills the first worker that comes to the point. */
  arm(point: KillPoint): Kill {
    const kill: Kill = { done: false };
    const near = new Set<Worker>();
    this.count((worker, step) => {
      if (kill.done) return 'pass';
      if ('since' in point) {
        kill.done = near.has(worker) && step.startsWith(point.statement);
        if (step.startsWith(point.since)) near.add(worker);
        return kill.done ? point.verdict : 'pass';
      }
      if ('step' in point) {
        kill.done = step === point.step;
        return kill.done ? point.verdict : 'pass';
      }
      this.timer ??= setTimeout(() => {
        kill.done = true;
        void this.kill(worker);
      }, point.afterMs);
      return 'pass';
    });
    return kill;
  }

  /** Kills nobody any more; resolves when all workers are there again. */
  async disarm(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.onStatement = () => 'pass';
    await Promise.all(this.starting);
  }

  async stop(): Promise<void> {
    await this.disarm();
    await Promise.all(
      [...this.workers].map(async ({ platform, proxy }) => {
        await platform.stop();
        await proxy.close();
      }),
    );
  }

  private count(onStatement: (worker: Worker, step: string) => Verdict): void {
    for (const { sent } of this.workers) sent.clear();
    this.onStatement = onStatement;
  }

  private async add(): Promise<void> {
    const proxy = await StatementProxy.open(this.settings.DATABASE_URL);
    // The queue is the one of the database behind the proxy.
    const settings = { ...this.settings, ROLES: 'worker', DATABASE_URL: proxy.url };
    const platform = await Platform.start(this.dataDir, settings);
    const worker: Worker = { platform, proxy, sent: new Map() };
    proxy.judge = (sql) => {
      const count = (worker.sent.get(sql) ?? 0) + 1;
      worker.sent.set(sql, count);
      return this.onStatement(worker, `${sql.trim().replace(/\s+/g, ' ').slice(0, 100)} #${count}`);
    };
    proxy.kill = () => this.kill(worker);
    this.workers.add(worker);
  }

  private async kill(worker: Worker): Promise<void> {
    if (!this.workers.delete(worker)) return;
    const replaced = worker.platform
      .stop('SIGKILL')
      .then(() => worker.proxy.close())
      .then(() => this.add());
    this.starting.add(replaced);
    await replaced.finally(() => this.starting.delete(replaced));
  }
}
