import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { RoleRequired } from '../auth/auth.errors';
import { DomainError } from '../common/domain-error';
import { Transactor } from '../database/transactor';
import { OperationEndings } from './operation-endings';
import { cancelled } from './operation-events';
import { isTerminal, type OperationStatus } from './operation-transitions';
import { OperationTypes } from './operation-types';
import { OperationNotCancellable, OperationNotFound } from './operations.errors';
import { OperationsRepository } from './operations.repository';
import { type OperationFilter, visibleAmong, visibleOperations } from './visible-operations';

/** Most operations that one request cancels. */
export const LARGEST_CANCEL = 10_000;
/** Ended in one transaction, which keeps its rows locked: their workers wait for it no longer than a moment. */
const BATCH = 500;

/** What became of the operations that somebody wants cancelled. */
export interface CancelReport {
  /** They were waiting, and have ended. */
  cancelled: string[];
  /** They run; their workers were asked to stop them. */
  stopping: string[];
  /** They had ended before. */
  ended: string[];
  refused: { id: string; error: DomainError }[];
  /** Further ones pass the filter: ask again. */
  more: boolean;
}

interface Candidate {
  id: string;
  type: string;
  status: OperationStatus;
  writable: boolean;
}

/**
 * Cancels many operations with few statements. Each gets what a cancel by itself would give it: its event, the release of
 * its lock, the aftermath of its type and an audit row, in the transaction that ends it.
 */
@Injectable()
export class BulkCancel {
  constructor(
    private readonly repository: OperationsRepository,
    private readonly endings: OperationEndings,
    private readonly types: OperationTypes,
    private readonly tx: Transactor,
    private readonly audit: AuditService,
  ) {}

  /** Those of a filter that have not ended; what the actor may see but not stop is refused. */
  async cancelWhere(actor: Actor, filter: OperationFilter): Promise<CancelReport> {
    const statuses = filter.statuses ?? ['pending', 'running'];
    const { sql, parameters } = visibleOperations(actor, { ...filter, statuses }, { limit: LARGEST_CANCEL + 1 });
    const found = await this.find(sql, parameters);
    const report = await this.cancel(actor, found.slice(0, LARGEST_CANCEL));
    return { ...report, more: found.length > LARGEST_CANCEL };
  }

  /** Those that are named, each of which is answered for. */
  async cancelAmong(actor: Actor, ids: string[]): Promise<CancelReport> {
    const { sql, parameters } = visibleAmong(actor, ids);
    const found = await this.find(sql, parameters);
    const report = await this.cancel(actor, found);
    const known = new Set(found.map(({ id }) => id));
    const unknown = ids.filter((id) => !known.has(id)).map((id) => ({ id, error: new OperationNotFound(id) }));
    return { ...report, refused: [...report.refused, ...unknown] };
  }

  private find(sql: string, parameters: unknown[]): Promise<Candidate[]> {
    return this.tx.em.query(`select id, type, status, writable from (${sql}) found order by id`, parameters);
  }

  private async cancel(actor: Actor, candidates: Candidate[]): Promise<CancelReport> {
    const report: CancelReport = { cancelled: [], stopping: [], ended: [], refused: [], more: false };
    let open: string[] = [];
    for (const candidate of candidates) {
      const error = this.refusalOf(candidate);
      if (error) report.refused.push({ id: candidate.id, error });
      else if (isTerminal(candidate.status)) report.ended.push(candidate.id);
      else open.push(candidate.id);
    }
    // Who is neither cancelled nor asked was claimed, handed back or ended in between: look again. Statuses only move on.
    while (open.length > 0) {
      for (let from = 0; from < open.length; from += BATCH) {
        await this.cancelBatch(actor, open.slice(from, from + BATCH), report);
      }
      const done = new Set([...report.cancelled, ...report.stopping]);
      const left = open.filter((id) => !done.has(id));
      const now = new Map((await this.repository.statusesOf(left)).map(({ id, status }) => [id, status]));
      report.ended.push(...left.filter((id) => isTerminal(now.get(id) ?? 'cancelled')));
      open = left.filter((id) => !isTerminal(now.get(id) ?? 'cancelled'));
    }
    return report;
  }

  private async cancelBatch(actor: Actor, operationIds: string[], report: CancelReport): Promise<void> {
    const reason = `Cancelled by user ${actor.userId}`;
    const audited = (em: EntityManager, some: { id: string; orgId: string | null }[]): Promise<void> =>
      this.audit.recordAll(
        em,
        some.map(({ id, orgId }) => ({ actor, action: 'operation.cancelled', target: id, orgId })),
      );
    const ended = await this.endings.endAll(
      { operationIds, event: cancelled(reason), from: 'pending', set: { cancelReason: reason } },
      audited,
    );
    report.cancelled.push(...ended.map(({ id }) => id));
    if (ended.length === operationIds.length) return;
    const asked = await this.tx.run(async (em) => {
      const running = await this.repository.requestCancels(em, operationIds, reason);
      await audited(
        em,
        running.filter(({ first }) => first),
      );
      return running;
    });
    report.stopping.push(...asked.map(({ id }) => id));
  }

  private refusalOf({ id, type, status, writable }: Candidate): DomainError | null {
    if (!writable) return new RoleRequired('operation', 'member', 'viewer');
    if (!isTerminal(status) && this.types.find(type)?.policy.cancellable === false) {
      return new OperationNotCancellable(id, type);
    }
    return null;
  }
}
