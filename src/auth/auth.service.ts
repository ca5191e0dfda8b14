import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { Transactor } from '../database/transactor';
import { OrgsService, type OrgView } from '../orgs/orgs.service';
import { AuthConfig } from './auth.config';
import { RegistrationClosed, Unauthenticated, WrongCredentials } from './auth.errors';
import type { Visitor } from './current';
import { LoginThrottle } from './login-throttle';
import { PasswordHasher } from './password-hasher';
import { type IssuedToken, SessionsService } from './sessions.service';
import { User } from './user.entity';
import { requireGoodPassword, UsersService } from './users.service';

/** What a successful login, registration or refresh gives. */
export interface Welcome {
  user: User;
  /** Where the user's graphs go by default; null for somebody without any. */
  org: OrgView | null;
  token: IssuedToken;
}

/** Ways in and out. */
@Injectable()
export class AuthService {
  constructor(
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly users: UsersService,
    private readonly orgs: OrgsService,
    private readonly sessions: SessionsService,
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
    private readonly config: AuthConfig,
  ) {}

  /** Makes an account with a personal organisation and logs it in. */
  async register(visitor: Visitor, input: { name: string; email: string; password: string }): Promise<Welcome> {
    if (this.config.registration === 'closed') throw new RegistrationClosed();
    requireGoodPassword(input.password, input, 'password');
    await this.throttle.registration(visitor.ip);
    const passwordHash = await this.hasher.hash(input.password);
    const { user, token } = await this.transactor.run(async (em) => {
      const user = await this.users.insert(em, { email: input.email, name: input.name, passwordHash });
      const org = await this.orgs.insert(em, {
        name: `${input.name}'s organisation`,
        orgType: 'personal',
        ownerId: user.id,
      });
      const token = await this.sessions.open(em, user.id);
      const actor = { ...visitor, userId: user.id };
      await this.audit.record(em, { actor, action: 'user.registered', target: user.id, orgId: org.id });
      return { user, token };
    });
    return { user, org: await this.firstOrg(user), token };
  }

  /** Throws {@link WrongCredentials} alike, and after the same time, for unknown emails and wrong passwords. */
  async login(visitor: Visitor, input: { email: string; password: string }): Promise<Welcome> {
    await this.throttle.attempt(input.email, visitor.ip);
    const user = await this.users.findByEmail(input.email);
    if (!(await this.hasher.verify(user?.passwordHash ?? null, input.password)) || !user) {
      const actor = { ...visitor, userId: user?.id };
      await this.audit.recordRefusal({ actor, action: 'session.started', target: input.email });
      throw new WrongCredentials();
    }
    await this.throttle.succeeded(input.email, visitor.ip);
    const better = this.hasher.isOutdated(user.passwordHash) ? await this.hasher.hash(input.password) : null;
    const token = await this.transactor.run(async (em) => {
      // Only over the hash that was checked: a password that was changed meanwhile stays changed.
      if (better) await em.update(User, { id: user.id, passwordHash: user.passwordHash }, { passwordHash: better });
      const issued = await this.sessions.open(em, user.id);
      await this.audit.record(em, {
        actor: { ...visitor, userId: user.id },
        action: 'session.started',
        target: user.id,
      });
      return issued;
    });
    return { user, org: await this.firstOrg(user), token };
  }

  /** Exchanges a session token for a new one. */
  async refresh(secret: string | null): Promise<Welcome> {
    if (!secret) throw new Unauthenticated('Send the session token to refresh as "Authorization: Bearer <token>".');
    const token = await this.sessions.refresh(secret);
    const user = await this.users.get(token.userId);
    return { user, org: await this.firstOrg(user), token };
  }

  private async firstOrg(user: User): Promise<OrgView | null> {
    const [org] = await this.orgs.list({ userId: user.id });
    return org ?? null;
  }
}
