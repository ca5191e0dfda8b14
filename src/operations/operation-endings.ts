import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isConnectionError } from '../common/lost-connection';
import { isWorthAnotherRun } from '../database/passing-failures';
import { Transactor } from '../database/transactor';
import { type BulkChange, type OperationChange, OperationLog } from './operation-log';
import { OperationTypes } from './operation-types';
import type { Operation } from './operation.entity';
import { OperationsRepository } from './operations.repository';

export interface EndOptions {
  /** The reason to keep the operation as a dead letter. */
  deadLetter?: string;
  /** Further writes of whoever ends it, such as an audit row. */
  also?: (em: EntityManager, ended: Operation) => Promise<void>;
}

class AftermathFailed extends Error {}

/**
 * Ends operations as failed or cancelled: status, event, locks, dead letter and the domain's own aftermath in one
 * transaction, whoever ends it (a worker, the reaper, or the request that cancels).
 */
@Injectable()
export class OperationEndings {
  private readonly logger = new Logger(OperationEndings.name);

  constructor(
    private readonly tx: Transactor,
    private readonly log: OperationLog,
    private readonly repository: OperationsRepository,
    private readonly types: OperationTypes,
  ) {}

  /** Null where the change was refused; nothing is written then. */
  async end(change: OperationChange, options: EndOptions = {}): Promise<Operation | null> {
    try {
      return await this.tx.run((em) => this.endIn(em, change, options, true));
    } catch (error) {
      if (!(error instanceof AftermathFailed)) throw error;
      // An operation that cannot end would run for ever and keep its lock: it ends without its aftermath.
      this.logger.error(`${change.operationId}: ended, but its aftermath failed`, (error.cause as Error).stack);
      return this.tx.run((em) => this.endIn(em, change, options, false));
    }
  }

  /**
   * Ends many in one transaction, those of them that can still be ended so. `also` is called once, with all of them.
   * Where the aftermath of one fails, each is ended by itself, so that it keeps no other from ending.
   */
  async endAll(
    change: BulkChange,
    also: (em: EntityManager, ended: Operation[]) => Promise<void>,
  ): Promise<Operation[]> {
    try {
      return await this.tx.run(async (em) => {
        const ended = await this.log.writeAll(change, em);
        if (ended.length > 0) await also(em, ended);
        for (const operation of ended) await this.clearUpAfter(em, operation);
        return ended;
      });
    } catch (error) {
      if (!(error instanceof AftermathFailed)) throw error;
      const { operationIds, ...each } = change;
      const ended: Operation[] = [];
      for (const operationId of operationIds) {
        const one = await this.end({ ...each, operationId }, { also: (em, operation) => also(em, [operation]) });
        if (one) ended.push(one);
      }
      return ended;
    }
  }

  private async endIn(
    em: EntityManager,
    change: OperationChange,
    { deadLetter, also }: EndOptions,
    withAftermath: boolean,
  ): Promise<Operation | null> {
    const ended = await this.log.write(change, em);
    if (!ended) return null;
    if (deadLetter !== undefined) await this.repository.insertDeadLetter(em, ended.id, deadLetter);
    await also?.(em, ended);
    if (withAftermath) await this.clearUpAfter(em, ended);
    return ended;
  }

  private async clearUpAfter(em: EntityManager, ended: Operation): Promise<void> {
    try {
      await this.types.aftermathOf(ended.type)?.(em, ended);
    } catch (cause) {
      // Nothing is wrong with the aftermath then: whoever ends the operation tries again, and it belongs to that.
      if (isConnectionError(cause) || isWorthAnotherRun(cause)) throw cause;
      throw new AftermathFailed('aftermath', { cause });
    }
  }
}
