import { WorkerHost } from '@nestjs/bullmq';
import { Inject, type OnModuleInit } from '@nestjs/common';
import type { Job } from 'bullmq';
import type { EntityManager } from 'typeorm';
import type { OperationContract, PayloadOf } from '../operations/define-operation';
import { parsePayload } from '../operations/operation-payload';
import type { Operation } from '../operations/operation.entity';
import { contractHandledBy } from './handles-operation';
import type { OperationContext } from './operation-context';
import { OperationRuntime } from './operation-runtime';
import type { OperationJob } from './queues';

/**
 * The base of all queued work. A subclass says what to do in {@link run}; claiming, renewing, retrying, cancelling and
 * ending happen here and in the runtime. `run` may be called again for the same operation, so it must be safe to run
 * twice; it fails by throwing, returning is success, and it stops with an error when `ctx.signal` aborts.
 */
export abstract class OperationProcessor<C extends OperationContract> extends WorkerHost implements OnModuleInit {
  @Inject()
  protected readonly runtime!: OperationRuntime;

  /** Does the work and returns its result. */
  abstract run(payload: PayloadOf<C>, ctx: OperationContext): Promise<object>;

  /**
   * Optional: domain rows to change when the operation ends as failed or cancelled. Runs in the transaction that ends
   * it, in whichever process does (this may be the reaper), so it does database writes through `em` and nothing else.
   */
  protected afterFailureOrCancel?(em: EntityManager, payload: PayloadOf<C>, operation: Operation): Promise<void>;

  /** The contract that `@HandlesOperation` named. */
  get contract(): C {
    return contractHandledBy(this.constructor) as C;
  }

  onModuleInit(): void {
    if (!this.afterFailureOrCancel) return;
    this.runtime.types.onEndWithoutSuccess(this.contract.name, (em, operation) =>
      this.afterFailureOrCancel!(em, operation.payload as PayloadOf<C>, operation),
    );
  }

  /** Called by BullMQ with each delivery; delivering an operation twice does nothing. */
  async process({ data }: Job<OperationJob>): Promise<void> {
    const { contract } = this;
    await this.runtime.execute(contract, data.operationId, (operation, ctx) =>
      this.run(parsePayload(contract, operation.payload) as PayloadOf<C>, ctx),
    );
  }
}
