import { getQueueToken } from '@nestjs/bullmq';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Queue } from 'bullmq';
import { OperationTypes } from '../operations/operation-types';
import { QueuePool } from './queue-pool';

/** All that the queue is told of an operation. */
export interface OperationJob {
  operationId: string;
}

export type OperationQueue = Queue<OperationJob>;

/** The queues of this process, one for each operation type. */
@Injectable()
export class Queues implements OnApplicationShutdown {
  private readonly logger = new Logger(Queues.name);
  private readonly queues = new Map<string, OperationQueue>();

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly types: OperationTypes,
    @Inject(QueuePool) private readonly pool: QueuePool | null,
  ) {}

  /** The queue of an operation type; undefined where no module of this process registered that type. */
  of(type: string): OperationQueue | undefined {
    let queue = this.queues.get(type);
    if (!queue && this.types.find(type)) {
      queue = this.moduleRef.get<OperationQueue>(getQueueToken(type), { strict: false });
      // Without a listener, a connection lost in the background would end the process.
      queue.on('error', (error) => this.logger.warn(`Queue ${type}: ${error.message}`));
      this.queues.set(type, queue);
    }
    return queue;
  }

  /** Workers are closed before this (see `Workers`); the pool that they shared goes last. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.types.all().map(async ({ name }) => this.of(name)?.close()));
    await this.pool?.end();
  }
}
