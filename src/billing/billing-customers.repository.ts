import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { BillingCustomer } from './billing-customer.entity';

/** Rows of those who pay. */
@Injectable()
export class BillingCustomersRepository {
  constructor(
    private readonly transactor: Transactor,
    private readonly clock: Clock,
  ) {}

  /** Null before the first order. */
  find(orgId: string): Promise<BillingCustomer | null> {
    return this.transactor.em.findOneBy(BillingCustomer, { orgId });
  }

  /** Notes who the organisation is at the provider. */
  async link(em: EntityManager, orgId: string, provider: string, providerCustomerId: string): Promise<void> {
    await this.ensure(em, orgId, provider);
    await em.update(BillingCustomer, { orgId }, { provider, providerCustomerId, updatedAt: this.clock.now() });
  }

  /** Makes the row, if there is none. */
  async ensure(em: EntityManager, orgId: string, provider: string): Promise<void> {
    const now = this.clock.now();
    await em
      .createQueryBuilder()
      .insert()
      .into(BillingCustomer)
      .values({ orgId, provider, providerCustomerId: null, paymentMethods: [], createdAt: now, updatedAt: now })
      .orIgnore()
      .execute();
  }
}
