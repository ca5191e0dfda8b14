import { Worker } from 'node:worker_threads';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { childEntry } from '../common/child-entry';
import { DATABASE_URL } from '../database/database.tokens';
import { JobsConfig } from './jobs.config';
import { LeaseBoard } from './lease-board';
import type { GuardNews, GuardOrders } from './lease-guard-main';

/** A worker that has had nothing to do for this long gives the memory of its guard back. */
const IDLE_MS = 60_000;

/**
 * Keeps the leases of a process whose event loop is busy. A thread beside the loop watches it: while the loop turns, it
 * renews its leases itself and the thread does nothing; while it does not, the thread renews them, for at most
 * BLOCKED_LOOP_SECONDS. So busy work is not taken for dead, and a loop that is blocked for ever is not taken for alive.
 * A process that is stopped as a whole (SIGSTOP, a frozen machine) stops its thread too, and its leases run out.
 */
@Injectable()
export class LeaseGuard implements OnApplicationShutdown {
  private readonly logger = new Logger(LeaseGuard.name);
  private readonly board = new LeaseBoard();
  private readonly slots = new Map<string, number>();
  private thread?: Worker;
  private idle?: NodeJS.Timeout;
  private unavailable = false;

  constructor(
    @Inject(DATABASE_URL) private readonly databaseUrl: string,
    private readonly config: JobsConfig,
  ) {}

  /** Watches over an attempt, named `<operation id>.<attempt>`, until it is removed. */
  add(key: string, workerId: string): void {
    this.board.beat();
    const slot = this.board.put(key);
    if (slot !== undefined) this.slots.set(key, slot);
    clearTimeout(this.idle);
    if (!this.thread && !this.unavailable && this.config.blockedLoopSeconds > 0) this.start(workerId);
  }

  remove(key: string): void {
    const slot = this.slots.get(key);
    if (slot === undefined) return;
    this.slots.delete(key);
    this.board.clear(slot);
    if (this.slots.size > 0) return;
    clearTimeout(this.idle);
    this.idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
  }

  /** To be called at least every LEASE_RENEW_SECONDS while something runs. */
  beat(): void {
    this.board.beat();
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.idle);
    await this.stop();
  }

  private start(workerId: string): void {
    const orders: GuardOrders = {
      memory: this.board.memory,
      databaseUrl: this.databaseUrl,
      workerId,
      leaseMs: this.config.leaseSeconds * 1000,
      beatMs: this.config.leaseRenewSeconds * 1000,
      blockedMs: this.config.blockedLoopSeconds * 1000,
    };
    try {
      const thread = new Worker(childEntry('jobs/lease-guard-main'), {
        workerData: orders,
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
      });
      thread.on('message', ({ text }: GuardNews) => this.logger.warn(text));
      thread.on('error', (error) => this.giveUp(error));
      thread.unref();
      this.thread = thread;
    } catch (error) {
      this.giveUp(error as Error);
    }
  }

  /** The process' own timer goes on; only a blocked loop has nobody to speak for it. */
  private giveUp(error: Error): void {
    this.unavailable = true;
    this.thread = undefined;
    this.logger.warn(`Work that blocks this process for longer than LEASE_SECONDS will be lost: ${error.message}`);
  }

  private async stop(): Promise<void> {
    const { thread } = this;
    this.thread = undefined;
    await thread?.terminate();
  }
}
