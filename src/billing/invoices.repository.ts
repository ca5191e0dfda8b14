import { Injectable } from '@nestjs/common';
import type { EntityManager, FindOptionsWhere } from 'typeorm';
import { Transactor } from '../database/transactor';
import { Invoice, type InvoiceStatus } from './invoice.entity';
import { MANUAL } from './subscription.entity';

export interface InvoiceFilter {
  orgId?: string;
  status?: InvoiceStatus;
}

/** Rows of invoices. */
@Injectable()
export class InvoicesRepository {
  constructor(private readonly transactor: Transactor) {}

  /** False where the period has its invoice already. */
  async insert(em: EntityManager, invoice: Omit<Invoice, 'number'>): Promise<boolean> {
    const [{ number }] = await em.query<{ number: string }[]>(
      `select to_char(nextval('invoice_number'), 'FM"INV-"000000') as number`,
    );
    const inserted = await em
      .createQueryBuilder()
      .insert()
      .into(Invoice)
      .values({ ...invoice, number })
      .orIgnore()
      .returning('id')
      .execute();
    return (inserted.raw as object[]).length === 1;
  }

  find(id: string, em: EntityManager = this.transactor.em): Promise<Invoice | null> {
    return em.findOneBy(Invoice, { id });
  }

  /** Newest first, with the number of all. */
  list({ orgId, status }: InvoiceFilter, limit: number): Promise<[Invoice[], number]> {
    const where: FindOptionsWhere<Invoice> = { ...(orgId && { orgId }), ...(status && { status }) };
    return this.transactor.em.findAndCount(Invoice, { where, order: { createdAt: 'DESC', id: 'ASC' }, take: limit });
  }

  /** Ends an open one; false where it is not open (any more). */
  async end(em: EntityManager, id: string, set: Partial<Invoice> & { status: 'paid' | 'void' }): Promise<boolean> {
    const { affected } = await em.update(Invoice, { id, status: 'open' }, set);
    return affected === 1;
  }

  /** Nothing more is to be paid for a subscription. Ids of the invoices; what a provider collects is its own to take back. */
  async voidOpen(em: EntityManager, subscriptionId: string): Promise<string[]> {
    const [rows] = await em.query<[{ id: string }[], number]>(
      `update invoice set status = 'void' where subscription_id = $1 and status = 'open' and provider = '${MANUAL}' returning id`,
      [subscriptionId],
    );
    return rows.map(({ id }) => id);
  }

  /** Subscriptions that have an open invoice whose date is over. */
  async overdue(now: Date): Promise<string[]> {
    const rows = await this.transactor.em.query<{ subscription_id: string }[]>(
      `select distinct i.subscription_id from invoice i join subscription s on s.id = i.subscription_id
       where i.status = 'open' and i.due_date <= $1 and s.status = 'active'`,
      [now],
    );
    return rows.map((row) => row.subscription_id);
  }
}
