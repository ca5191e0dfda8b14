import { WorkerHost } from '@nestjs/bullmq';
import { Inject, Logger, type OnModuleInit } from '@nestjs/common';
import type { Job } from 'bullmq';
import type { EntityManager } from 'typeorm';
import { OPERATION_ID } from '../common/ids';
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
  protected readonly logger = new Logger(this.constructor.name);
  @Inject()
  protected readonly runtime!: OperationRuntime;

  /** Does the work and returns its result. */
  abstract run(payload: PayloadOf<C>, ctx: OperationContext): Promise<object>;

  /**
   * Optional: domain rows to change when the operation ends as failed or cancelled. Runs in the transaction that ends
   * it, in whichever process does (this may be the reaper), so it does database writes through `em` and nothing else.
   */
  protected afterFailureOrCancel?(em: EntityManager, payload: PayloadOf<C>, operation: Operation): Promise<void>;

  /**
   * Optional: domain rows to put back when an operator has a failed operation tried again, so that `run` finds what it
   * needs. Runs in the transaction that begins the new operation (`retry`); throws where the domain has moved on.
   */
  protected beforeRetry?(em: EntityManager, payload: PayloadOf<C>, retry: Operation): Promise<void>;

  /** The contract that `@HandlesOperation` named. */
  get contract(): C {
    return contractHandledBy(this.constructor) as C;
  }

  onModuleInit(): void {
    const { types } = this.runtime;
    const { name } = this.contract;
    if (this.afterFailureOrCancel) {
      types.onEndWithoutSuccess(name, (em, ended) => this.afterFailureOrCancel!(em, this.payloadOf(ended), ended));
    }
    if (this.beforeRetry) types.onRetry(name, (em, retry) => this.beforeRetry!(em, this.payloadOf(retry), retry));
  }

  /** Called by BullMQ with each delivery; delivering an operation twice does nothing. */
  async process({ data }: Job<OperationJob>): Promise<void> {
    const operationId = idIn(data);
    // Nothing of ours: what it might stand for is in the database, and the sweeper finds it there.
    if (operationId === null) return this.logger.warn(`A job of queue ${this.contract.name} names no operation`);
    await this.runtime.execute(this.contract, operationId, (operation, ctx) =>
      this.run(this.payloadOf(operation), ctx),
    );
  }

  /** What the row says may be older than the rules of its class, or never have been good: it is read by them each time. */
  private payloadOf(operation: Operation): PayloadOf<C> {
    return parsePayload(this.contract, operation.payload) as PayloadOf<C>;
  }
}

function idIn(data: unknown): string | null {
  if (typeof data !== 'object' || data === null || !('operationId' in data)) return null;
  const { operationId } = data;
  return typeof operationId === 'string' && OPERATION_ID.test(operationId) ? operationId : null;
}
