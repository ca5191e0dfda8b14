import { Injectable } from '@nestjs/common';
import { OperationEndings } from '../operations/operation-endings';
import { cancelled, completed, failed, retrying } from '../operations/operation-events';
import { OperationLog } from '../operations/operation-log';
import { Outbox } from '../operations/outbox';
import { AttemptsRepository, type ExpiredLease } from './attempts.repository';
import { JobsConfig } from './jobs.config';
import { Sensor } from './sensor';

const BATCH = 100;

/**
 * Takes operations from workers that have gone silent. Every write asks again whether the lease has run out, so a
 * worker that comes back in time keeps its operation, and of two reapers one is refused.
 */
@Injectable()
export class Reaper extends Sensor {
  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly log: OperationLog,
    private readonly endings: OperationEndings,
    private readonly outbox: Outbox,
    private readonly config: JobsConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.reaperSeconds * 1000;
  }

  async look(): Promise<void> {
    for (const lease of await this.attempts.expired(BATCH)) {
      try {
        await this.reap(lease);
      } catch (error) {
        // The others are not made to wait for it; its turn comes again.
        this.logger.error(`${lease.id}: ${(error as Error).message}`, (error as Error).stack);
      }
    }
  }

  private async reap(lease: ExpiredLease): Promise<void> {
    if (lease.result !== null) await this.complete(lease, lease.result);
    else if (lease.cancelRequested) await this.cancel(lease);
    else if (lease.attempt < lease.maxAttempts) await this.requeue(lease);
    else await this.giveUp(lease);
  }

  /** The worker was lost after it had published its work: nothing is left to do. */
  private async complete({ id, attempt, startedAt }: ExpiredLease, result: object): Promise<void> {
    await this.log.write({
      operationId: id,
      attempt,
      onlyIf: 'lease_expired',
      event: completed(result, Date.now() - startedAt.getTime()),
      endsAttempt: { outcome: 'lost' },
    });
  }

  private async requeue({ id, attempt, workerId }: ExpiredLease): Promise<void> {
    const pending = await this.log.write({
      operationId: id,
      attempt,
      onlyIf: 'lease_expired',
      event: retrying(attempt, 'worker_lost', 0, null),
      set: { runAfterMs: 0 },
      endsAttempt: { outcome: 'lost' },
    });
    if (!pending) return;
    this.logger.warn(`${id}: worker ${workerId} was lost in attempt ${attempt}; it is queued again`);
    this.outbox.ready.next(pending);
  }

  private async cancel({ id, attempt, cancelReason }: ExpiredLease): Promise<void> {
    await this.endings.end({
      operationId: id,
      attempt,
      onlyIf: 'lease_expired',
      event: cancelled(cancelReason ?? 'Cancelled'),
      endsAttempt: { outcome: 'lost' },
    });
  }

  private async giveUp({ id, attempt }: ExpiredLease): Promise<void> {
    const error = {
      code: 'worker_lost',
      message: `The worker was lost in each of ${attempt} attempts; an operator can look into it and retry it`,
      details: { attempts: attempt },
    };
    const ended = await this.endings.end(
      {
        operationId: id,
        attempt,
        onlyIf: 'lease_expired',
        event: failed(error, true),
        set: { error },
        endsAttempt: { outcome: 'lost', error },
      },
      { deadLetter: 'attempts_used_up' },
    );
    if (ended) this.logger.error(`${id}: dead letter after ${attempt} attempts`);
  }
}
