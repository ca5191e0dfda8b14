import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import type { Operation } from './operation.entity';

/** What a queue has to know of an operation: which, in which queue, and not before when. */
export interface ReadyOperation extends Pick<Operation, 'id' | 'type' | 'attempt' | 'runAfter'> {
  /** Tells this delivery from others of the same attempt, where the queue must not take them for one. */
  delivery?: string;
}

/** Tells the dispatcher of this process about work, once it is committed. The rows themselves are the outbox. */
@Injectable()
export class Outbox {
  readonly ready = new Subject<ReadyOperation>();

  constructor(private readonly tx: Transactor) {}

  /** Announces the operation after the commit of the transaction; a rollback announces nothing. */
  announceAfterCommit(em: EntityManager, operation: ReadyOperation): void {
    this.tx.afterCommit(em, () => this.ready.next(operation));
  }
}
