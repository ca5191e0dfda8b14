import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { InvalidRequest } from '../common/problem.filter';
import { sqlState } from '../database/passing-failures';
import { Transactor } from '../database/transactor';
import { AccessService } from './access.service';
import type { Actor } from './actor';
import { ApiKey } from './api-key.entity';
import { EmailTaken, LastOwnerCannotLeave, Unauthenticated, WrongPassword } from './auth.errors';
import { LoginThrottle } from './login-throttle';
import { OperatorsService } from './operators.service';
import { PasswordHasher } from './password-hasher';
import { checkPassword } from './password-policy';
import { SessionsService } from './sessions.service';
import { User } from './user.entity';

const UNIQUE_VIOLATION = '23505';

/** Accounts: what people can see of and do to their own. */
@Injectable()
export class UsersService {
  constructor(
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly access: AccessService,
    private readonly sessions: SessionsService,
    private readonly operators: OperatorsService,
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Inserts an account in the caller's transaction. Throws {@link EmailTaken}, after which the transaction is lost. */
  async insert(
    em: EntityManager,
    input: Pick<User, 'email' | 'name' | 'passwordHash'> & { isOperator?: boolean },
  ): Promise<User> {
    const now = this.clock.now();
    const user = em.create(User, {
      isOperator: false,
      ...input,
      id: this.ids.uuid(),
      isActive: true,
      createdAt: now,
      updatedAt: now,
    });
    await em.insert(User, user).catch(rethrowTakenEmail);
    return user;
  }

  /** The account with an email; null where there is none that is open. */
  findByEmail(email: string): Promise<User | null> {
    return this.transactor.em.findOneBy(User, { email, isActive: true });
  }

  async get(userId: string): Promise<User> {
    const user = await this.transactor.em.findOneBy(User, { id: userId, isActive: true });
    if (!user) throw new Unauthenticated('This account was closed.');
    return user;
  }

  /** Changes name and email. Throws {@link EmailTaken}. */
  async update(actor: Actor, changes: { name?: string; email?: string }): Promise<User> {
    const set = { ...(changes.name && { name: changes.name }), ...(changes.email && { email: changes.email }) };
    if (Object.keys(set).length > 0) {
      await this.transactor.run(async (em) => {
        await em.update(User, { id: actor.userId }, { ...set, updatedAt: this.clock.now() }).catch(rethrowTakenEmail);
        const fields = Object.keys(set);
        await this.audit.record(em, { actor, action: 'user.updated', target: actor.userId, details: { fields } });
      });
    }
    return this.get(actor.userId);
  }

  /** Sets a new password and ends all other logins. API keys go on. */
  async changePassword(actor: Actor, input: { current: string; next: string }): Promise<void> {
    const user = await this.confirm(actor, input.current);
    requireGoodPassword(input.next, user, 'new_password');
    const passwordHash = await this.hasher.hash(input.next);
    await this.transactor.run(async (em) => {
      await em.update(User, { id: user.id }, { passwordHash, updatedAt: this.clock.now() });
      await this.sessions.endAll(em, user.id, actor.sessionId);
      await this.audit.record(em, { actor, action: 'user.password_changed', target: user.id });
    });
    this.access.forget();
  }

  /**
   * Closes an account for good: name, email, password, keys, sessions and memberships go; the id stays with what it
   * made. Throws {@link LastOwnerCannotLeave} where members or graphs would be left without an owner.
   */
  async close(actor: Actor, password: string): Promise<void> {
    const { id } = await this.confirm(actor, password);
    await this.transactor.run(async (em) => {
      await this.operators.remain(em, id);
      await em.query(
        `select from org where id in (select org_id from org_member where user_id = $1) order by id for no key update`,
        [id],
      );
      const stranded = await em.query<{ name: string }[]>(
        `select o.name from org o join org_member m on m.org_id = o.id and m.user_id = $1 and m.role = 'owner'
         where not exists (select from org_member x where x.org_id = o.id and x.user_id <> $1 and x.role = 'owner')
           and (exists (select from org_member x where x.org_id = o.id and x.user_id <> $1)
             or exists (select from graph g where g.org_id = o.id and g.status <> 'deleted'))
         order by o.name`,
        [id],
      );
      if (stranded.length > 0) throw new LastOwnerCannotLeave(stranded.map((org) => org.name));
      await em.query(`delete from graph_member where user_id = $1`, [id]);
      await em.query(`delete from org_member where user_id = $1`, [id]);
      await em.delete(ApiKey, { userId: id });
      await this.sessions.endAll(em, id, null);
      const gone = {
        email: `closed-${id}@invalid`,
        name: 'Closed account',
        passwordHash: '',
        isActive: false,
        isOperator: false,
      };
      await em.update(User, { id }, { ...gone, updatedAt: this.clock.now() });
      await this.audit.record(em, { actor, action: 'user.closed', target: id });
    });
    this.access.forget();
  }

  /** Makes sure that it is the account's owner who asks. Throws {@link WrongPassword}; slowed down like a login. */
  private async confirm(actor: Actor, password: string): Promise<User> {
    const user = await this.get(actor.userId);
    const account = `user ${user.id}`;
    await this.throttle.attempt(account, actor.ip ?? '');
    if (!(await this.hasher.verify(user.passwordHash, password))) {
      await this.audit.recordRefusal({ actor, action: 'user.password_confirmed', target: user.id });
      throw new WrongPassword();
    }
    await this.throttle.succeeded(account, actor.ip ?? '');
    return user;
  }
}

/** Throws a 422 that names the field and each rule that the password breaks. */
export function requireGoodPassword(password: string, owner: { email: string; name: string }, field: string): void {
  const { errors } = checkPassword(password, [owner.email.split('@')[0], owner.name]);
  if (errors.length === 0) return;
  throw new InvalidRequest(
    errors.map((msg) => ({ loc: ['body', field], msg: `${field} ${msg}`, type: 'weak_password' })),
  );
}

function rethrowTakenEmail(error: unknown): never {
  throw sqlState(error) === UNIQUE_VIOLATION ? new EmailTaken() : error;
}
