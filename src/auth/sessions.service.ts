import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { Transactor } from '../database/transactor';
import { AccessService } from './access.service';
import { AuthConfig } from './auth.config';
import { SessionNotRefreshable } from './auth.errors';
import type { Visitor } from './current';
import { hashSecret, newSessionToken } from './secrets';
import { Session } from './session.entity';

/** A token that was just made; this is the only time that it is seen. */
export interface IssuedToken {
  token: string;
  userId: string;
  /** Seconds. */
  expiresIn: number;
  /** A client should refresh when fewer seconds than this are left. */
  refreshThreshold: number;
}

/** A refreshed token works this much longer, so that two tabs that refresh at once both stay logged in. */
const OVERLAP_MS = 30_000;
const DAY_MS = 86_400_000;

/** Bearer tokens: made by a login, renewed by a refresh, ended by a logout, a new password or time. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly access: AccessService,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly config: AuthConfig,
  ) {}

  /** Begins a login's first session, in the caller's transaction; sweeps out the user's old ones. */
  async open(em: EntityManager, userId: string): Promise<IssuedToken> {
    const now = this.clock.now();
    await em.delete(Session, { userId, expiresAt: LessThan(new Date(now.getTime() - DAY_MS)) });
    return this.issue(em, { userId, loginId: this.ids.uuid(), loginAt: now });
  }

  /** Exchanges a token, also one that has just expired, for a new one. Throws {@link SessionNotRefreshable}. */
  async refresh(token: string): Promise<IssuedToken> {
    const now = this.clock.now().getTime();
    const issued = await this.transactor.run(async (em) => {
      const session = await em.findOne(Session, {
        where: { tokenHash: hashSecret(token) },
        lock: { mode: 'pessimistic_write' },
      });
      if (!session || !this.canRefresh(session, now) || !(await isActive(em, session.userId))) {
        throw new SessionNotRefreshable();
      }
      if (session.revokedAt === null) {
        await em.update(Session, { id: session.id }, { revokedAt: new Date(now + OVERLAP_MS) });
      }
      return this.issue(em, session);
    });
    this.access.forget();
    return issued;
  }

  /** Ends a login with all its sessions. An unknown token is as good as logged out. */
  async end(token: string, visitor: Visitor): Promise<void> {
    const now = this.clock.now();
    await this.transactor.run(async (em) => {
      const session = await em.findOneBy(Session, { tokenHash: hashSecret(token) });
      if (!session) return;
      await this.revoke(em, { loginId: session.loginId }, now);
      const actor = { ...visitor, userId: session.userId };
      await this.audit.record(em, { actor, action: 'session.ended', target: session.loginId });
    });
    this.access.forget();
  }

  /**
   * Ends a user's sessions, all or all but those of the login that `keepSessionId` belongs to. The caller calls
   * `AccessService.forget()` after its commit.
   */
  async endAll(em: EntityManager, userId: string, keepSessionId: string | null): Promise<void> {
    const kept = keepSessionId === null ? null : await em.findOneBy(Session, { id: keepSessionId });
    await this.revoke(em, { userId, ...(kept && { loginId: Not(kept.loginId) }) }, this.clock.now());
  }

  private async revoke(em: EntityManager, which: object, now: Date): Promise<void> {
    await em.update(Session, { ...which, revokedAt: IsNull() }, { revokedAt: now });
    await em.update(Session, { ...which, revokedAt: MoreThan(now) }, { revokedAt: now });
  }

  private canRefresh(session: Session, now: number): boolean {
    const revoked = session.revokedAt !== null && session.revokedAt.getTime() <= now;
    const graceEnds = session.expiresAt.getTime() + this.config.refreshGraceMinutes * 60_000;
    const loginEnds = session.loginAt.getTime() + this.config.sessionMaxDays * DAY_MS;
    return !revoked && now < graceEnds && now < loginEnds;
  }

  private async issue(
    em: EntityManager,
    { userId, loginId, loginAt }: Pick<Session, 'userId' | 'loginId' | 'loginAt'>,
  ): Promise<IssuedToken> {
    const now = this.clock.now();
    const token = newSessionToken();
    const lifeMs = Math.min(
      this.config.sessionMinutes * 60_000,
      loginAt.getTime() + this.config.sessionMaxDays * DAY_MS - now.getTime(),
    );
    await em.insert(Session, {
      id: this.ids.uuid(),
      userId,
      tokenHash: hashSecret(token),
      loginId,
      loginAt,
      createdAt: now,
      expiresAt: new Date(now.getTime() + lifeMs),
      revokedAt: null,
    });
    const expiresIn = Math.floor(lifeMs / 1000);
    return { token, userId, expiresIn, refreshThreshold: Math.min(300, Math.floor(expiresIn / 2)) };
  }
}

async function isActive(em: EntityManager, userId: string): Promise<boolean> {
  const rows: unknown[] = await em.query(`select from app_user where id = $1 and is_active`, [userId]);
  return rows.length > 0;
}
