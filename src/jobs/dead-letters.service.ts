import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { DomainError } from '../common/domain-error';
import { OPERATION_ID } from '../common/ids';
import { Transactor } from '../database/transactor';
import type { Operation } from '../operations/operation.entity';
import { OperationsRepository } from '../operations/operations.repository';
import { OperationsService } from '../operations/operations.service';
import { DeadLetterNotFound, DeadLetterResolved } from './dead-letters.errors';
import {
  type DeadLetter,
  type DeadLetterFilter,
  DeadLettersRepository,
  type DeadLetterWithEverything,
} from './dead-letters.repository';

/** What became of one dead letter in a request for many. */
export type BulkOutcome = { id: string } & ({ operation: Operation | null } | { refused: DomainError });

export interface BulkResult {
  outcomes: BulkOutcome[];
  /** Further ones pass the filter: ask again. */
  more: boolean;
}

/** Most dead letters that one request resolves. */
export const LARGEST_BULK = 1_000;

/** Looks after operations that could not be done: an operator has each tried again, or discards it. */
@Injectable()
export class DeadLettersService {
  constructor(
    private readonly letters: DeadLettersRepository,
    private readonly operations: OperationsService,
    private readonly repository: OperationsRepository,
    private readonly audit: AuditService,
    private readonly tx: Transactor,
  ) {}

  /** Newest operations first; `nextCursor` is null on the last page. */
  async list(
    filter: DeadLetterFilter,
    { limit, cursor }: { limit: number; cursor?: string },
  ): Promise<{ items: DeadLetter[]; nextCursor: string | null }> {
    const found = await this.letters.list(filter, limit + 1, cursor);
    const items = found.slice(0, limit);
    return { items, nextCursor: found.length > limit ? items[items.length - 1].id : null };
  }

  /** Throws {@link DeadLetterNotFound}. */
  async get(id: string): Promise<DeadLetterWithEverything> {
    const letter = OPERATION_ID.test(id) ? await this.letters.find(id) : null;
    if (!letter) throw new DeadLetterNotFound(id);
    return letter;
  }

  /**
   * Begins a new operation that does the same for the same owner; the failed one stays as it is. Throws
   * {@link DeadLetterResolved} the second time, `OperationConflict` while the graph is busy, and why its domain refuses.
   */
  retry(actor: Actor, id: string): Promise<Operation> {
    return this.tx.run(async (em) => {
      await this.lockOpen(em, id);
      const failed = await this.repository.find(id, em);
      if (!failed) throw new DeadLetterNotFound(id);
      const operation = await this.operations.beginAgain(em, failed);
      await this.letters.resolve(em, id, { status: 'retried', retriedAs: operation.id, by: actor.userId });
      const details = { operation_id: operation.id, operation_type: operation.type };
      await this.audit.record(em, {
        actor,
        action: 'dead_letter.retried',
        target: id,
        orgId: operation.orgId,
        details,
      });
      return operation;
    });
  }

  /** Closes a dead letter without doing anything about it. Throws {@link DeadLetterResolved}. */
  discard(actor: Actor, id: string): Promise<void> {
    return this.tx.run(async (em) => {
      await this.lockOpen(em, id);
      await this.letters.resolve(em, id, { status: 'discarded', retriedAs: null, by: actor.userId });
      const orgId = (await this.repository.find(id, em))?.orgId ?? null;
      await this.audit.record(em, { actor, action: 'dead_letter.discarded', target: id, orgId });
    });
  }

  retryAll(actor: Actor, filter: DeadLetterFilter): Promise<BulkResult> {
    return this.forAll(filter, (id) => this.retry(actor, id));
  }

  discardAll(actor: Actor, filter: DeadLetterFilter): Promise<BulkResult> {
    return this.forAll(filter, async (id) => {
      await this.discard(actor, id);
      return null;
    });
  }

  /** Each in a transaction of its own, so that one that is refused keeps no other from being resolved. */
  private async forAll(filter: DeadLetterFilter, act: (id: string) => Promise<Operation | null>): Promise<BulkResult> {
    // Ids that were named are answered for, whatever they are; a filter finds what is still open.
    const found =
      filter.ids ?? (await this.letters.list({ ...filter, status: 'open' }, LARGEST_BULK + 1)).map(({ id }) => id);
    const outcomes: BulkOutcome[] = [];
    for (const id of found.slice(0, LARGEST_BULK)) {
      try {
        outcomes.push({ id, operation: await act(id) });
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        outcomes.push({ id, refused: error });
      }
    }
    return { outcomes, more: found.length > LARGEST_BULK };
  }

  private async lockOpen(em: EntityManager, id: string): Promise<void> {
    const letter = OPERATION_ID.test(id) ? await this.letters.lock(em, id) : null;
    if (!letter) throw new DeadLetterNotFound(id);
    if (letter.status !== 'open') throw new DeadLetterResolved(id, letter.status, letter.retried_as);
  }
}
