import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Ids } from '../common/ids';
import { Transactor } from '../database/transactor';
import { noteBegun } from '../idempotency/claim';
import type { OperationContract } from './define-operation';
import { EventFeed } from './event-feed';
import { isEvent } from './event-watcher';
import { OperationEndings } from './operation-endings';
import { cancelled } from './operation-events';
import { parsePayload } from './operation-payload';
import { OperationTypes } from './operation-types';
import type { Operation } from './operation.entity';
import { endsOperation, isTerminal } from './operation-transitions';
import {
  InvalidOperationPayload,
  OperationConflict,
  OperationEnded,
  OperationNotCancellable,
  OperationNotFound,
  OperationNotRepeatable,
} from './operations.errors';
import { OperationsRepository } from './operations.repository';
import { Outbox } from './outbox';

export interface BeginOptions<P extends object> {
  /** Who asked; null for the platform itself. */
  actor: Pick<Actor, 'userId'> | null;
  orgId: string | null;
  graphId: string | null;
  payload: P;
  /** Further graphs that nothing else may change meanwhile. */
  alsoGraphs?: string[];
  /** What it waits for, in words that follow "Waiting for": no worker gets it before it is released. */
  heldFor?: string;
}

/** Starts, shows, cancels and awaits operations. The work itself is done by processors (see `jobs/README.md`). */
@Injectable()
export class OperationsService {
  /**
   * Graphs whose operation was found to have ended. Whoever is told so may ask for what it made before the news of that has come
   * to this process: what is remembered of the graph counts no more.
   */
  readonly endsFound = new Subject<string>();

  constructor(
    private readonly repository: OperationsRepository,
    private readonly endings: OperationEndings,
    private readonly types: OperationTypes,
    private readonly outbox: Outbox,
    private readonly feed: EventFeed,
    private readonly ids: Ids,
    private readonly tx: Transactor,
    private readonly audit: AuditService,
  ) {}

  /**
   * Begins an operation in the caller's transaction: its row, its first event and its lock commit with the caller's
   * own rows, and a worker hears of it right after. Throws {@link OperationConflict} (409) while another operation
   * holds the same lock.
   */
  async begin<P extends object>(
    em: EntityManager,
    contract: OperationContract<P>,
    { actor, orgId, graphId, payload, alsoGraphs = [], heldFor }: BeginOptions<P>,
  ): Promise<Operation> {
    if (this.types.find(contract.name) !== contract) {
      throw new Error(`Operation type "${contract.name}" is not registered; list it in JobsModule.forFeature([...])`);
    }
    parsePayload(contract, payload);
    const operation = await this.repository.insert(em, {
      id: this.ids.operation(),
      type: contract.name,
      orgId,
      userId: actor?.userId ?? null,
      graphId,
      payload,
      maxAttempts: contract.policy.attempts,
      heldFor: heldFor ?? null,
    });
    const own = contract.resourceOf?.(payload, graphId) ?? lockedResource(contract, graphId);
    for (const locked of [...(own === null ? [] : [own]), ...alsoGraphs.map(graphLock)]) {
      const blocking = await this.repository.lock(em, locked, operation.id);
      if (blocking) throw new OperationConflict(blocking);
    }
    noteBegun(em, operation.id);
    if (heldFor === undefined) this.outbox.announceAfterCommit(em, operation);
    return operation;
  }

  /** Keeps workers from an operation that was begun in this transaction, until {@link release}. */
  hold(em: EntityManager, operationId: string, heldFor: string): Promise<void> {
    return this.repository.hold(em, operationId, heldFor);
  }

  /** Lets workers have a held operation, in the transaction that gives it what it waited for. False where it is not held. */
  async release(em: EntityManager, operationId: string): Promise<boolean> {
    const released = await this.repository.release(em, operationId);
    if (released !== null) this.outbox.announceAfterCommit(em, released);
    return released !== null;
  }

  /** Where a graph's held operation stands among those that wait for the same: 1 is next; null where it has none. */
  heldPlace(graphId: string): Promise<{ operationId: string; position: number; heldFor: string } | null> {
    return this.repository.heldPlace(graphId);
  }

  /** The operations that wait for the same, the first one first. */
  held(em: EntityManager, heldFor: string, limit: number): Promise<{ id: string; graphId: string | null }[]> {
    return this.repository.heldFor(em, heldFor, limit);
  }

  /**
   * Begins a new operation with type, payload, owner and graph of one that failed, and puts back the domain rows that
   * its end changed. Throws {@link OperationConflict}, {@link OperationNotRepeatable}, or why its domain refuses.
   */
  async beginAgain(em: EntityManager, failed: Operation): Promise<Operation> {
    const { id, type, userId, orgId, graphId, payload } = failed;
    const contract = this.types.find(type);
    if (!contract) throw new OperationNotRepeatable(id, `this version has no operations of type "${type}"`);
    if (contract.locks === 'graph' && graphId === null) throw new OperationNotRepeatable(id, 'it names no graph');
    try {
      parsePayload(contract, payload);
    } catch (error) {
      throw error instanceof InvalidOperationPayload ? new OperationNotRepeatable(id, error.message) : error;
    }
    const begun = await this.begin(em, contract, {
      actor: userId === null ? null : { userId },
      orgId,
      graphId,
      payload,
    });
    const retry = await this.repository.linkRetry(em, begun.id, id);
    await this.types.retryPreparationOf(type)?.(em, retry);
    return retry;
  }

  /** Throws {@link OperationNotFound}. Rights are decided at the door, by the guard. */
  async get(operationId: string): Promise<Operation> {
    const operation = await this.repository.find(operationId);
    if (!operation) throw new OperationNotFound(operationId);
    const { status, graphId } = operation;
    if (isTerminal(status) && graphId !== null) this.endsFound.next(graphId);
    return operation;
  }

  /**
   * Cancels a pending operation at once and asks the worker of a running one to stop; asking again changes nothing.
   * Throws {@link OperationEnded} after a terminal status, {@link OperationNotCancellable} where its policy says so.
   */
  async cancel(actor: Actor, operationId: string): Promise<Operation> {
    const reason = `Cancelled by user ${actor.userId}`;
    const audited = (em: EntityManager, { id, orgId }: Operation): Promise<void> =>
      this.audit.record(em, { actor, action: 'operation.cancelled', target: id, orgId });
    for (;;) {
      const operation = await this.get(operationId);
      if (isTerminal(operation.status)) throw new OperationEnded(operationId, operation.status);
      if (this.types.find(operation.type)?.policy.cancellable === false) {
        throw new OperationNotCancellable(operationId, operation.type);
      }
      const changed =
        operation.status === 'pending'
          ? await this.endings.end(
              { operationId, event: cancelled(reason), from: 'pending', set: { cancelReason: reason } },
              { also: audited },
            )
          : await this.tx.run(async (em) => {
              const asked = await this.repository.requestCancel(em, operationId, reason);
              if (asked && !operation.cancelRequestedAt) await audited(em, asked);
              return asked;
            });
      // Null: its status changed in between, so look again. Statuses only move on, so this ends.
      if (changed) return changed;
    }
  }

  /** The operation once it has ended, or as it is after `ms`. Hears of the end through the live feed, without polling. */
  async waitUntilEnded(operationId: string, ms: number, signal?: AbortSignal): Promise<Operation> {
    const timeout = AbortSignal.timeout(ms);
    const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const { lastSequence, status } = await this.get(operationId);
    if (!isTerminal(status)) {
      for await (const news of this.feed.events(operationId, lastSequence, { signal: stop })) {
        if (isEvent(news) && endsOperation(news.type)) break;
      }
    }
    return this.get(operationId);
  }
}

function lockedResource(contract: OperationContract, graphId: string | null): string | null {
  if (contract.locks === 'none') return null;
  if (graphId === null) throw new Error(`Operation type "${contract.name}" locks a graph and needs a graphId`);
  return graphLock(graphId);
}

function graphLock(graphId: string): string {
  return `graph:${graphId}`;
}
