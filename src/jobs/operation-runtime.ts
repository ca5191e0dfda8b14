import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { isConnectionError } from '../common/lost-connection';
import { Transactor } from '../database/transactor';
import type { OperationContract } from '../operations/define-operation';
import { EventBatches } from '../operations/event-batches';
import { progressed } from '../operations/operation-events';
import { OperationTypes } from '../operations/operation-types';
import { OperationsRepository } from '../operations/operations.repository';
import { StaleAttemptError } from '../operations/operations.errors';
import type { Operation, OperationProgress } from '../operations/operation.entity';
import { OperationCancelled, OperationTimedOut } from './abort-reasons';
import { AttemptEndings } from './attempt-endings';
import { AttemptsRepository } from './attempts.repository';
import { FairShares } from './fair-shares';
import { JobsConfig } from './jobs.config';
import { OperationContext } from './operation-context';
import { ProgressReporter } from './progress-reporter';
import type { RunningAttempt } from './running-attempt';
import { RunningAttempts } from './running-attempts';

export type Work = (operation: Operation, ctx: OperationContext) => Promise<object>;

const DATABASE_RETRY_MS = 250;

/** Takes a delivered operation through one attempt: claim, run, end. */
@Injectable()
export class OperationRuntime {
  private readonly logger = new Logger(OperationRuntime.name);

  constructor(
    readonly types: OperationTypes,
    private readonly attempts: AttemptsRepository,
    private readonly shares: FairShares,
    private readonly running: RunningAttempts,
    private readonly endings: AttemptEndings,
    private readonly batches: EventBatches,
    private readonly tx: Transactor,
    private readonly repository: OperationsRepository,
    private readonly config: JobsConfig,
  ) {}

  /**
   * Does nothing where there is nothing to claim: delivered twice, cancelled, ended or taken by somebody else; and where its
   * organisation has as many of the type running here as it may.
   */
  async execute(contract: OperationContract, operationId: string, work: Work): Promise<void> {
    if (this.running.stopping) return this.attempts.markUndelivered([operationId]);
    await this.shares.within(contract, operationId, () => this.claimAndRun(contract, operationId, work));
  }

  private async claimAndRun(contract: OperationContract, operationId: string, work: Work): Promise<void> {
    const { workerId } = this.running;
    const operation = await this.throughOutages(() =>
      this.attempts.claim({ operationId, type: contract.name, workerId, leaseMs: this.config.leaseSeconds * 1000 }),
    );
    if (!operation) return this.logger.debug(`${operationId}: nothing to claim`);
    const attempt = this.running.add(operation);
    try {
      await this.attemptOnce(contract, attempt, work);
    } finally {
      this.running.remove(attempt);
    }
  }

  private async attemptOnce(contract: OperationContract, attempt: RunningAttempt, work: Work): Promise<void> {
    const { timeoutMs, stopMs = 0 } = contract.policy;
    const graceMs = Math.max(this.config.abortGraceSeconds * 1000, stopMs);
    const timeout = setTimeout(() => attempt.abort(new OperationTimedOut(timeoutMs)), timeoutMs);
    const reporter = new ProgressReporter((progress) => this.storeProgress(attempt, progress));
    try {
      const ctx = this.contextOf(attempt, reporter);
      // An earlier attempt published its work and was lost before it could say so: see `keepResult`.
      const { result: kept } = attempt.operation;
      const begun = (async () => kept ?? work(attempt.operation, ctx))();
      const result = await attempt.outcomeOf(begun, graceMs);
      clearTimeout(timeout);
      await reporter.end();
      await this.throughOutages(() => this.endings.complete(attempt, result ?? {}));
    } catch (error) {
      clearTimeout(timeout);
      await reporter.end();
      const cause = causeOf(error, attempt.signal);
      await this.throughOutages(() => this.endings.stop(attempt, contract.policy, cause));
    }
  }

  private contextOf(attempt: RunningAttempt, reporter: ProgressReporter): OperationContext {
    const { operation, signal } = attempt;
    const leaseMs = this.config.leaseSeconds * 1000;
    return new OperationContext(operation, this.running.workerId, signal, reporter, this.tx, this.repository, leaseMs);
  }

  private async storeProgress(attempt: RunningAttempt, progress: OperationProgress): Promise<void> {
    const { id, attempt: number } = attempt.operation;
    const stored = await this.batches.write({
      operationId: id,
      attempt: number,
      event: progressed(progress),
      set: { progress },
    });
    if (!stored) attempt.abort(new StaleAttemptError(id, number));
  }

  /** A database that restarts must not lose the outcome of hours of work: try for as long as a lease may last. */
  private async throughOutages<T>(write: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.config.leaseSeconds * 1000;
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (!isConnectionError(error) || performance.now() > until) throw error;
        await delay(DATABASE_RETRY_MS);
      }
    }
  }
}

/** After an abort the work fails in words of its own; why it was aborted is what counts, but for remarks on a cancel. */
function causeOf(error: unknown, { aborted, reason }: AbortSignal): unknown {
  if (!aborted) return error;
  return reason instanceof OperationCancelled && error instanceof OperationCancelled ? error : reason;
}
