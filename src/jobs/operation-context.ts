import type { EntityManager } from 'typeorm';
import { type Transactor } from '../database/transactor';
import { toJson } from '../operations/json';
import { StaleAttemptError } from '../operations/operations.errors';
import { type OperationsRepository } from '../operations/operations.repository';
import type { Operation } from '../operations/operation.entity';
import type { ProgressReporter } from './progress-reporter';

/** Further members of a progress event. */
export interface ProgressDetails {
  currentStep?: number;
  totalSteps?: number;
  [detail: string]: unknown;
}

/** What a processor knows of the attempt that it makes, and the ways in which it may report and write. */
export class OperationContext {
  readonly operationId: string;
  readonly graphId: string | null;
  readonly orgId: string | null;
  readonly userId: string | null;
  /** The fencing token: every write of this run names it. */
  readonly attempt: number;

  constructor(
    operation: Operation,
    readonly workerId: string,
    /** Aborts on cancel, timeout, shutdown or a lost lease. Pass it down; throw when it aborts. */
    readonly signal: AbortSignal,
    private readonly reporter: ProgressReporter,
    private readonly tx: Transactor,
    private readonly repository: OperationsRepository,
    private readonly leaseMs: number,
  ) {
    this.operationId = operation.id;
    this.graphId = operation.graphId;
    this.orgId = operation.orgId;
    this.userId = operation.userId;
    this.attempt = operation.attempt;
  }

  /** Tells those who watch. `percent` is 0 to 100 or null; at most ten a second are stored. Never fails. */
  progress(percent: number | null, message: string, details?: ProgressDetails): void {
    this.reporter.report(percent, message, details);
  }

  /**
   * Notes the result in the transaction that publishes what was made. If this attempt is lost after that commit and
   * before its end, the next one does not do the work again: it ends with this result.
   */
  async keepResult(em: EntityManager, result: object): Promise<void> {
    await em.query('update operation set result = $2 where id = $1', [this.operationId, toJson(result)]);
  }

  /**
   * The way in which a processor writes: one transaction in which this attempt is, and stays, the current one. Throws
   * {@link StaleAttemptError} before `work` is called where it is not. Keep it short: the operation's row is locked.
   */
  transaction<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.tx.run(async (em) => {
      const { operationId, attempt, leaseMs } = this;
      const held = await this.repository.holdAttempt(em, operationId, attempt, leaseMs);
      if (!held) throw new StaleAttemptError(operationId, attempt);
      const begun = performance.now();
      const result = await work(em);
      // The lease could not be renewed from outside; a transaction that took long must not end with an expired one.
      if (performance.now() - begun > leaseMs / 10)
        await this.repository.holdAttempt(em, operationId, attempt, leaseMs);
      return result;
    });
  }
}
