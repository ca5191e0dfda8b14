import { Injectable } from '@nestjs/common';
import type { Actor } from '../auth/actor';
import { Transactor } from '../database/transactor';
import { OperationLog } from './operation-log';
import { operationFrom, type Row } from './operation-row';
import type { Operation, OperationAttempt, OperationEvent } from './operation.entity';
import { OperationsRepository } from './operations.repository';
import { OperationsService } from './operations.service';
import { type OperationFilter, visibleOperations, type VisiblePage } from './visible-operations';

export interface Page<T> {
  items: T[];
  /** Where the next page begins; null on the last one. */
  nextCursor: string | null;
}

/** A page of a log, and how much of the log there is. */
export interface EventPage extends Page<OperationEvent> {
  /** The first sequence number that is still stored; above 1, what stood before was pruned. */
  oldest: number;
  /** The last one that was given. */
  newest: number;
}

/** Everything that is kept of an operation but its events. */
export interface OperationRecord {
  operation: Operation;
  attempts: OperationAttempt[];
  /** The operation that does this one again. */
  retriedAs: string | null;
}

/** What was done: operations and their events, long after they ended. */
@Injectable()
export class OperationHistory {
  constructor(
    private readonly transactor: Transactor,
    private readonly log: OperationLog,
    private readonly repository: OperationsRepository,
    private readonly operations: OperationsService,
  ) {}

  /** Operations that the actor may see, newest first. Ids sort by time, so a page begins after an id. */
  async list(actor: Actor, filter: OperationFilter, { limit, cursor }: VisiblePage): Promise<Page<Operation>> {
    const { em } = this.transactor;
    const { sql, parameters } = visibleOperations(actor, filter, { limit: limit + 1, cursor });
    const rows = await em.query<Row[]>(sql, parameters);
    const items = rows.slice(0, limit).map((row) => operationFrom(em, row));
    return { items, nextCursor: rows.length > limit ? items[items.length - 1].id : null };
  }

  /** Throws {@link OperationNotFound}. */
  async record(operationId: string): Promise<OperationRecord> {
    const operation = await this.operations.get(operationId);
    const [attempts, retriedAs] = await Promise.all([
      this.repository.attemptsOf(operationId),
      this.repository.retryOf(operationId),
    ]);
    return { operation, attempts, retriedAs };
  }

  /** Stored events after a sequence number, in order. */
  async events(operationId: string, after: number, limit: number): Promise<EventPage> {
    // In this order: what is pruned in between is missing from the page and known to be.
    const found = await this.log.read(operationId, after, limit + 1);
    const oldest = await this.repository.oldestSequence(operationId);
    const { lastSequence } = await this.operations.get(operationId);
    const items = found.slice(0, limit);
    const nextCursor = found.length > limit ? String(items[items.length - 1].sequence) : null;
    return { items, nextCursor, oldest, newest: lastSequence };
  }
}
