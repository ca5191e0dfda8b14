import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { BulkJobOptions } from 'bullmq';
import { Outbox, type ReadyOperation } from '../operations/outbox';
import { AttemptsRepository } from './attempts.repository';
import { Queues } from './queues';

/**
 * Hands operations to the queue as soon as they are committed. What arrives while a delivery is under way goes with the
 * next one, so that many operations at once cost few statements. Failures are left to the sweeper.
 */
@Injectable()
export class Dispatcher implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(Dispatcher.name);
  private waiting: ReadyOperation[] = [];
  private delivering?: Promise<void>;

  constructor(
    private readonly outbox: Outbox,
    private readonly queues: Queues,
    private readonly attempts: AttemptsRepository,
  ) {}

  onModuleInit(): void {
    this.outbox.ready.subscribe((operation) => this.send([operation]));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.delivering;
  }

  /** Delivers in the background; see {@link delivered} to await it. */
  send(operations: ReadyOperation[]): void {
    if (operations.length === 0) return;
    this.waiting.push(...operations);
    this.delivering ??= this.deliver();
  }

  /** Resolves when all that was sent is with the queue (or back with the sweeper). */
  async delivered(): Promise<void> {
    await this.delivering;
  }

  private async deliver(): Promise<void> {
    while (this.waiting.length > 0) {
      const byType = new Map<string, ReadyOperation[]>();
      for (const operation of this.waiting) {
        const same = byType.get(operation.type);
        if (same) same.push(operation);
        else byType.set(operation.type, [operation]);
      }
      this.waiting = [];
      await Promise.all([...byType].map(([type, operations]) => this.deliverTo(type, operations)));
    }
    // In the same turn as the last look at `waiting`, so that nothing is left in it unseen.
    this.delivering = undefined;
  }

  private async deliverTo(type: string, operations: ReadyOperation[]): Promise<void> {
    const queue = this.queues.of(type);
    // Begun by a version of the platform that has a type which this process has not; its own processes look after it.
    if (!queue) return this.logger.debug(`No queue for ${operations.length} operations of type ${type}`);
    try {
      const jobs = operations.map((operation) => ({
        name: type,
        data: { operationId: operation.id },
        opts: deliveryOptions(operation),
      }));
      if (jobs.length === 1) await queue.add(jobs[0].name, jobs[0].data, jobs[0].opts);
      else await queue.addBulk(jobs);
    } catch (error) {
      this.logger.warn(`Cannot hand ${operations.length} operations to queue ${type}: ${(error as Error).message}`);
      await this.giveBack(operations);
    }
  }

  private async giveBack(operations: ReadyOperation[]): Promise<void> {
    try {
      await this.attempts.markUndelivered(operations.map(({ id }) => id));
    } catch (error) {
      // They count as delivered for a while; after RESEND_SECONDS the sweeper takes them all the same.
      this.logger.warn(`Cannot mark operations for another delivery: ${(error as Error).message}`);
    }
  }
}

/** One job for each attempt: telling the queue again of what it already has changes nothing. */
function deliveryOptions({ id, attempt, runAfter, delivery }: ReadyOperation): BulkJobOptions {
  return {
    jobId: [id, attempt, delivery ?? []].flat().join('.'),
    delay: Math.max(0, runAfter.getTime() - Date.now()),
    attempts: 1,
    removeOnComplete: true,
    removeOnFail: true,
  };
}
