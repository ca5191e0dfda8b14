import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { InvalidRequest } from '../common/problem.filter';
import { Transactor } from '../database/transactor';
import { AuditEvent } from './audit-event.entity';

/** Who did it and from where. An `Actor` is one; so is a visitor who has not shown who they are. */
export interface AuditActor {
  userId?: string | null;
  apiKeyId?: string | null;
  /** Absent where no request does it: an operation goes on, or a sensor finds that something is due. */
  requestId?: string | null;
  ip?: string | null;
}

export interface AuditEntry {
  /** Null for the platform itself. */
  actor: AuditActor | null;
  /** What was done, in the past tense: `api_key.created`, `login.failed`. */
  action: string;
  /** Id of what it was done to. */
  target?: string | null;
  orgId?: string | null;
  outcome?: 'success' | 'failure';
  /** Further facts. Never a password, a token or a key. */
  details?: Record<string, unknown>;
}

export interface AuditPage {
  events: AuditEvent[];
  /** Pass it as `before` for the next page; null on the last one. */
  nextCursor: string | null;
}

/** The log of security-relevant actions: one row for each, in the transaction of the change that it speaks of. */
@Injectable()
export class AuditService {
  private readonly logger = new Logger(AuditService.name);

  constructor(
    private readonly transactor: Transactor,
    private readonly clock: Clock,
  ) {}

  /** Writes the row within the caller's transaction, so that it exists exactly when the change does. */
  async record(em: EntityManager, entry: AuditEntry): Promise<void> {
    await this.recordAll(em, [entry]);
  }

  /** Writes a row for each, in one statement. */
  async recordAll(em: EntityManager, entries: AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await em.insert(
      AuditEvent,
      entries.map((entry) => this.rowOf(entry)),
    );
  }

  /**
   * Writes down something that was refused, where there is no change to go with. The refusal stands even if the row
   * cannot be written: that is logged, and the caller goes on.
   */
  async recordRefusal(entry: Omit<AuditEntry, 'outcome'>): Promise<void> {
    try {
      await this.record(this.transactor.em, { ...entry, outcome: 'failure' });
    } catch (error) {
      this.logger.error(`Cannot write the audit row "${entry.action}"`, (error as Error).stack);
    }
  }

  /** Events of one org, newest first. */
  async list(orgId: string, { limit, before }: { limit: number; before?: string }): Promise<AuditPage> {
    const query = this.transactor.em
      .createQueryBuilder(AuditEvent, 'event')
      .where('event.orgId = :orgId', { orgId })
      .orderBy('event.id', 'DESC')
      .limit(limit + 1);
    if (before !== undefined) query.andWhere('event.id < :before', { before });
    const events = await query.getMany();
    const more = events.length > limit;
    if (more) events.pop();
    return { events, nextCursor: more ? events[events.length - 1].id : null };
  }

  /** Does the work; where it is refused, that is written down with its code. Throws what `work` throws. */
  async noteRefusal<T>(entry: Omit<AuditEntry, 'outcome'>, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DomainError || error instanceof InvalidRequest) {
        const code = error instanceof DomainError ? error.code : 'invalid_request';
        await this.recordRefusal({ ...entry, details: { ...entry.details, code } });
      }
      throw error;
    }
  }

  private rowOf(entry: AuditEntry) {
    return {
      at: this.clock.now(),
      actorId: entry.actor?.userId ?? null,
      apiKeyId: entry.actor?.apiKeyId ?? null,
      orgId: entry.orgId ?? null,
      action: entry.action,
      // What was refused may hold anything, and Postgres takes no null bytes.
      target: entry.target?.replace(/\p{Cc}/gu, '\ufffd') ?? null,
      outcome: entry.outcome ?? ('success' as const),
      ip: entry.actor?.ip ?? null,
      requestId: entry.actor?.requestId ?? null,
      details: (entry.details ?? {}) as object,
    };
  }
}
