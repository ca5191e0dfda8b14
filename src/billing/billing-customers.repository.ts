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

  /** Notes who the organisation is at the provider; false where that was known. */
  async link(em: EntityManager, orgId: string, provider: string, providerCustomerId: string): Promise<boolean> {
    await this.ensure(em, orgId, provider);
    const [, changed] = await em.query<[object[], number]>(
      `update billing_customer set provider = $2, provider_customer_id = $3, updated_at = $4
       where org_id = $1 and (provider, provider_customer_id) is distinct from ($2, $3)`,
      [orgId, provider, providerCustomerId, this.clock.now()],
    );
    return changed === 1;
  }

  /** Makes the row, if there is none. */
  async ensure(em: EntityManager, orgId: string, provider: string): Promise<void> {
    const now = this.clock.now();
    await em
      .createQueryBuilder()
      .insert()
      .into(BillingCustomer)
      .values({ orgId, provider, providerCustomerId: null, createdAt: now, updatedAt: now })
      .orIgnore()
      .execute();
  }
}
