import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { PlatformConfig } from '../config/platform.config';
import { Notifications } from '../database/notifications';
import { CANCEL_CHANNEL } from '../operations/operations.repository';
import { StaleAttemptError } from '../operations/operations.errors';
import type { Operation } from '../operations/operation.entity';
import { OperationCancelled, WorkerStopping } from './abort-reasons';
import { AttemptsRepository } from './attempts.repository';
import { JobsConfig } from './jobs.config';
import { LeaseGuard } from './lease-guard';
import { RunningAttempt } from './running-attempt';

/**
 * What this worker process runs just now. Renews the leases of all of it from a timer of the process, not from the work;
 * while work keeps the event loop busy, {@link LeaseGuard} does, for as long as that may be.
 */
@Injectable()
export class RunningAttempts implements OnModuleInit {
  /** New with each start, so that a host name or a process id that comes again is not taken for the same worker. */
  readonly workerId = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  private readonly logger = new Logger(RunningAttempts.name);
  /** By attempt, not by operation: an old attempt may still be stopping while this process has begun the next one. */
  private readonly running = new Map<string, RunningAttempt>();
  private timer?: NodeJS.Timeout;
  private renewing = false;
  private onEmpty?: () => void;
  /** Operations that others took over while this process ran them, since its start. */
  lostLeases = 0;
  /** Set at shutdown: nothing more is claimed. */
  stopping = false;

  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly notifications: Notifications,
    private readonly platform: PlatformConfig,
    private readonly config: JobsConfig,
    private readonly guard: LeaseGuard,
  ) {
    if (config.leaseRenewSeconds * 2 > config.leaseSeconds) {
      throw new Error('LEASE_RENEW_SECONDS must be at most half of LEASE_SECONDS, or one late renewal loses the lease');
    }
  }

  async onModuleInit(): Promise<void> {
    if (!this.platform.has('worker')) return;
    const cancelled = await this.notifications.listen(CANCEL_CHANNEL);
    cancelled.subscribe((operationId) => {
      for (const attempt of this.running.values()) {
        if (attempt.operation.id === operationId) attempt.abort(new OperationCancelled());
      }
    });
  }

  add(operation: Operation): RunningAttempt {
    const attempt = new RunningAttempt(operation);
    this.running.set(keyOf(operation), attempt);
    this.guard.add(keyOf(operation), this.workerId);
    this.timer ??= setInterval(() => void this.renew(), this.config.leaseRenewSeconds * 1000);
    return attempt;
  }

  remove(attempt: RunningAttempt): void {
    this.running.delete(keyOf(attempt.operation));
    this.guard.remove(keyOf(attempt.operation));
    if (this.running.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.onEmpty?.();
  }

  get count(): number {
    return this.running.size;
  }

  /** Lets what runs end within `graceMs`, then stops the rest, which goes back to the queue. Resolves when all is over. */
  async drain(graceMs: number): Promise<void> {
    this.stopping = true;
    if (this.running.size === 0) return;
    this.logger.log(`Waiting up to ${graceMs / 1000} s for ${this.running.size} running operations`);
    const empty = new Promise<void>((resolve) => (this.onEmpty = resolve));
    const timer = setTimeout(() => {
      for (const attempt of this.running.values()) attempt.abort(new WorkerStopping());
    }, graceMs);
    await empty;
    clearTimeout(timer);
  }

  /** Renews every lease; stops what is not ours any more and what was cancelled without our hearing of it. */
  async renew(): Promise<void> {
    this.guard.beat();
    if (this.renewing) return;
    this.renewing = true;
    const held = [...this.running.values()];
    try {
      const names = held.map(({ operation: { id, attempt } }) => ({ id, attempt }));
      const renewed = await this.attempts.renew(this.workerId, names, this.config.leaseSeconds * 1000);
      const byKey = new Map(renewed.map((renewal) => [keyOf(renewal), renewal]));
      for (const attempt of held) this.apply(attempt, byKey.get(keyOf(attempt.operation))?.cancelRequested);
    } catch (error) {
      this.logger.warn(`Cannot renew leases: ${(error as Error).message}`);
      this.stopOverdue(held);
    } finally {
      this.renewing = false;
    }
  }

  /** `cancelRequested` is undefined where the lease is lost. */
  private apply(attempt: RunningAttempt, cancelRequested: boolean | undefined): void {
    if (cancelRequested === undefined) return this.lose(attempt);
    attempt.leasedAt = performance.now();
    if (cancelRequested) attempt.abort(new OperationCancelled());
  }

  /** Without the database nobody can tell who owns an operation: past its lease, the work stops. */
  private stopOverdue(held: RunningAttempt[]): void {
    const oldest = performance.now() - this.config.leaseSeconds * 1000;
    for (const attempt of held) if (attempt.leasedAt < oldest) this.lose(attempt);
  }

  private lose(attempt: RunningAttempt): void {
    const { id, attempt: number } = attempt.operation;
    // One that has just ended is not in the answer either.
    if (!this.running.has(keyOf(attempt.operation)) || attempt.signal.aborted) return;
    this.lostLeases += 1;
    attempt.abort(new StaleAttemptError(id, number));
  }
}

function keyOf({ id, attempt }: { id: string; attempt: number }): string {
  return `${id}.${attempt}`;
}
