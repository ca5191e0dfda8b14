import { Injectable, Logger } from '@nestjs/common';
import type { OperationPolicy } from '../operations/define-operation';
import { EventBatches } from '../operations/event-batches';
import { OperationEndings } from '../operations/operation-endings';
import { cancelled, completed, failed, retrying } from '../operations/operation-events';
import { OperationLog } from '../operations/operation-log';
import { StaleAttemptError } from '../operations/operations.errors';
import { OperationsRepository } from '../operations/operations.repository';
import { Outbox } from '../operations/outbox';
import { OperationCancelled, WorkerStopping } from './abort-reasons';
import { type AttemptFailure, deadLetterReason, failureOf, stackOf } from './attempt-failure';
import { backoffMs, isRetryable } from './retry-policy';
import type { RunningAttempt } from './running-attempt';

/** How an attempt ends: each of its methods is one write that is refused if the attempt is not the current one. */
@Injectable()
export class AttemptEndings {
  private readonly logger = new Logger(AttemptEndings.name);

  constructor(
    private readonly log: OperationLog,
    private readonly batches: EventBatches,
    private readonly endings: OperationEndings,
    private readonly repository: OperationsRepository,
    private readonly outbox: Outbox,
  ) {}

  async complete({ operation }: RunningAttempt, result: object): Promise<void> {
    await this.batches.write({
      operationId: operation.id,
      attempt: operation.attempt,
      event: completed(result, Date.now() - operation.startedAt!.getTime()),
      set: { result },
    });
  }

  /** Ends an attempt that did not succeed, by what stopped it. */
  async stop(attempt: RunningAttempt, policy: OperationPolicy, cause: unknown): Promise<void> {
    const { id, attempt: number, maxAttempts } = attempt.operation;
    if (cause instanceof StaleAttemptError) return this.logger.warn(cause.message);
    if (await this.completeIfPublished(attempt.operation)) return;
    if (cause instanceof OperationCancelled) return this.cancel(attempt, cause.remark);
    if (cause instanceof WorkerStopping) return this.handBack(attempt);
    const failure = failureOf(cause);
    if (failure.reference !== null) {
      this.logger.error(`${id} attempt ${number} failed, reference ${failure.reference}`, stackOf(cause));
    }
    if (isRetryable(cause) && number < maxAttempts) return this.retry(attempt, backoffMs(policy, number), failure);
    return this.fail(attempt, failure, deadLetterReason(cause));
  }

  private async cancel({ operation }: RunningAttempt, remark: string | null = null): Promise<void> {
    const now = await this.repository.find(operation.id);
    const reason = [now?.cancelReason, remark].filter((one) => one).join('. ') || 'Cancelled';
    const ended = await this.endings.end({
      operationId: operation.id,
      attempt: operation.attempt,
      event: cancelled(reason),
      set: { cancelReason: reason },
      endsAttempt: { outcome: 'cancelled' },
    });
    if (!ended) await this.completeIfPublished(operation);
  }

  /** What stopped the attempt came after its work was published (`keepResult`), so that the work is done all the same. */
  private async completeIfPublished({ id, attempt, startedAt }: RunningAttempt['operation']): Promise<boolean> {
    const now = await this.repository.find(id);
    if (now?.status !== 'running' || now.attempt !== attempt || now.result === null) return false;
    const event = completed(now.result, Date.now() - startedAt!.getTime());
    await this.log.write({ operationId: id, attempt, event, endsAttempt: { outcome: 'completed' } });
    return true;
  }

  /** Gives the lease back at shutdown; this attempt does not count. */
  private async handBack(attempt: RunningAttempt): Promise<void> {
    const { id, attempt: number } = attempt.operation;
    const pending = await this.log.write({
      operationId: id,
      attempt: number,
      onlyIf: 'no_cancel_requested',
      event: retrying(number, 'worker_shutdown', 0, null),
      set: { runAfterMs: 0, grantsAttempt: true },
      endsAttempt: { outcome: 'handed_back' },
    });
    if (pending) return this.outbox.ready.next(pending);
    await this.cancelIfAsked(attempt);
  }

  private async retry(attempt: RunningAttempt, waitMs: number, { shown, kept }: AttemptFailure): Promise<void> {
    const { id, attempt: number } = attempt.operation;
    const pending = await this.log.write({
      operationId: id,
      attempt: number,
      onlyIf: 'no_cancel_requested',
      event: retrying(number, 'error', waitMs, shown),
      set: { runAfterMs: waitMs },
      endsAttempt: { outcome: 'retry', error: kept },
    });
    if (pending) return this.outbox.ready.next(pending);
    await this.cancelIfAsked(attempt);
  }

  /** A cancel that arrived while the attempt was ending wins over another attempt. */
  private async cancelIfAsked(attempt: RunningAttempt): Promise<void> {
    const { id, attempt: number } = attempt.operation;
    const now = await this.repository.find(id);
    if (now?.cancelRequestedAt && now.attempt === number) return this.cancel(attempt);
    this.logger.warn(new StaleAttemptError(id, number).message);
  }

  private async fail(
    { operation }: RunningAttempt,
    { shown, kept }: AttemptFailure,
    deadLetter: string | undefined,
  ): Promise<void> {
    const ended = await this.endings.end(
      {
        operationId: operation.id,
        attempt: operation.attempt,
        event: failed(shown, deadLetter !== undefined),
        set: { error: shown },
        endsAttempt: { outcome: 'failed', error: kept },
      },
      { deadLetter },
    );
    if (!ended) await this.completeIfPublished(operation);
  }
}
