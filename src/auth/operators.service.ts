import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { UUID } from '../common/ids';
import { Transactor } from '../database/transactor';
import { AccessService } from './access.service';
import type { Actor } from './actor';
import { LastOperator, UserNotFound } from './auth.errors';
import { User } from './user.entity';

/** Who runs the installation: operators may use `/v1/admin`. There is always at least one. */
@Injectable()
export class OperatorsService {
  constructor(
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly access: AccessService,
  ) {}

  /** All operators, the first one first. */
  list(): Promise<User[]> {
    return this.transactor.em.find(User, {
      where: { isOperator: true, isActive: true },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
  }

  /** Makes somebody an operator; nothing changes where they are one. Throws {@link UserNotFound}. */
  async add(actor: Actor, userId: string): Promise<User> {
    const user = await this.transactor.run(async (em) => {
      const found = await this.lock(em, userId);
      if (found.isOperator) return found;
      await em.update(User, { id: userId }, { isOperator: true });
      await this.audit.record(em, { actor, action: 'operator.added', target: userId });
      return { ...found, isOperator: true };
    });
    this.access.forget();
    return user;
  }

  /** Takes the right away again. Throws {@link UserNotFound} for somebody who has it not, {@link LastOperator}. */
  async remove(actor: Actor, userId: string): Promise<void> {
    await this.transactor.run(async (em) => {
      await this.remain(em, userId);
      const { isOperator } = await this.lock(em, userId);
      if (!isOperator) throw new UserNotFound();
      await em.update(User, { id: userId }, { isOperator: false });
      await this.audit.record(em, { actor, action: 'operator.removed', target: userId });
    });
    this.access.forget();
  }

  /** Makes sure, until the end of the transaction, that others are left when this user goes. Throws {@link LastOperator}. */
  async remain(em: EntityManager, withoutUserId: string): Promise<void> {
    // All rows are locked in one order, so that two who go at once see each other.
    const operators = await em.query<{ id: string }[]>(
      'select id from app_user where is_operator and is_active order by id for no key update',
    );
    if (operators.length === 1 && operators[0].id === withoutUserId) throw new LastOperator();
  }

  private async lock(em: EntityManager, userId: string): Promise<User> {
    if (!UUID.test(userId)) throw new UserNotFound();
    const where = { id: userId, isActive: true };
    const user = await em.findOne(User, { where, lock: { mode: 'pessimistic_write' } });
    if (!user) throw new UserNotFound();
    return user;
  }
}
