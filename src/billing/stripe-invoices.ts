import { Injectable } from '@nestjs/common';
import type { EntityManager, QueryDeepPartialEntity } from 'typeorm';
import type Stripe from 'stripe';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { Invoice, INVOICE_STATUSES } from './invoice.entity';
import { at, toLines } from './stripe-objects';
import { STRIPE, type Subscription } from './subscription.entity';

/** Copies of Stripe's invoices, so that they can be shown without asking it. */
@Injectable()
export class StripeInvoices {
  constructor(
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Keeps what Stripe says of one; of a paid one an older state changes nothing. */
  async keep(em: EntityManager, subscription: Subscription, told: Stripe.Invoice): Promise<void> {
    const paid = told.status === 'paid';
    const figures = {
      number: told.number,
      status: INVOICE_STATUSES.find((one) => one === told.status) ?? 'draft',
      amountDue: told.amount_due,
      amountPaid: told.amount_paid,
      currency: told.currency,
      lineItems: toLines(told),
      periodStart: at(told.period_start),
      periodEnd: at(told.period_end),
      dueDate: told.due_date === null ? null : at(told.due_date),
      paidAt: paid ? at(told.status_transitions.paid_at ?? this.clock.now().getTime() / 1_000) : null,
      hostedInvoiceUrl: told.hosted_invoice_url ?? null,
      invoicePdf: told.invoice_pdf ?? null,
    };
    const row = {
      id: this.ids.uuid(),
      orgId: subscription.orgId,
      subscriptionId: subscription.id,
      provider: STRIPE,
      providerInvoiceId: told.id,
      createdAt: at(told.created),
      ...figures,
    } as QueryDeepPartialEntity<Invoice>;
    const inserted = await em
      .createQueryBuilder()
      .insert()
      .into(Invoice)
      .values(row)
      .orIgnore()
      .returning('id')
      .execute();
    if ((inserted.raw as object[]).length > 0) return;
    await em
      .createQueryBuilder()
      .update(Invoice)
      .set(figures)
      .where('provider_invoice_id = :id', { id: told.id })
      .andWhere(paid ? 'true' : `status <> 'paid'`)
      .execute();
  }

  async isPaid(em: EntityManager, providerInvoiceId: string): Promise<boolean> {
    return em.existsBy(Invoice, { providerInvoiceId, status: 'paid' });
  }
}
