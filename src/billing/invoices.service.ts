import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { Ids, UUID } from '../common/ids';
import { Transactor } from '../database/transactor';
import { InvoiceClosed, InvoiceNotFound } from './billing.errors';
import { nextMonth } from './billing-period';
import { BillingProvider, type InvoicePreview } from './billing-provider';
import type { Invoice, InvoiceLine } from './invoice.entity';
import { type InvoiceFilter, InvoicesRepository } from './invoices.repository';
import { Payments } from './payments';
import { Plans } from './plans';
import type { Subscription } from './subscription.entity';
import { RENEWING } from './subscription-transitions';
import { SubscriptionsRepository } from './subscriptions.repository';

const DAY_MS = 86_400_000;
/** From an invoice's date on. */
const DUE_DAYS = 14;

export interface Period {
  from: Date;
  to: Date;
}

/** What will be owed next. */
export interface Upcoming {
  amount: number;
  currency: string;
  /** Of the invoice that comes first. */
  period: Period;
  lines: InvoiceLine[];
  /** Where it is for one alone. */
  subscriptionId: string | null;
}

/** Invoices that the platform writes itself, and whose payment an operator of it notes. */
@Injectable()
export class InvoicesService {
  constructor(
    private readonly transactor: Transactor,
    private readonly invoices: InvoicesRepository,
    private readonly subscriptions: SubscriptionsRepository,
    private readonly payments: Payments,
    private readonly provider: BillingProvider,
    private readonly plans: Plans,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  list(filter: InvoiceFilter, limit: number): Promise<[Invoice[], number]> {
    return this.invoices.list(filter, limit);
  }

  /** Writes the invoice of a period, once. */
  async issue(em: EntityManager, subscription: Subscription, period: Period, actor: Actor | null): Promise<void> {
    const now = this.clock.now();
    const id = this.ids.uuid();
    const issued = await this.invoices.insert(em, {
      id,
      orgId: subscription.orgId,
      subscriptionId: subscription.id,
      status: 'open',
      amountDue: subscription.basePriceCents,
      amountPaid: 0,
      currency: subscription.currency,
      lineItems: [this.lineOf(subscription, period)],
      periodStart: period.from,
      periodEnd: period.to,
      dueDate: new Date(now.getTime() + DUE_DAYS * DAY_MS),
      paidAt: null,
      provider: subscription.provider,
      providerInvoiceId: null,
      hostedInvoiceUrl: null,
      invoicePdf: null,
      createdAt: now,
    });
    if (!issued) return;
    const details = { subscription_id: subscription.id, amount: subscription.basePriceCents };
    await this.audit.record(em, { actor, action: 'invoice.issued', target: id, orgId: subscription.orgId, details });
  }

  /**
   * Notes that an invoice was paid, and what follows from it, in one transaction. Paid twice, the second one changes
   * nothing. Throws {@link InvoiceNotFound}, {@link InvoiceClosed}.
   */
  pay(actor: Actor, id: string): Promise<Invoice> {
    return this.transactor.run(async (em) => {
      const invoice = await this.get(id, em);
      const paid = { status: 'paid', paidAt: this.clock.now(), amountPaid: invoice.amountDue } as const;
      if (!(await this.invoices.end(em, id, paid))) {
        const found = await this.get(id, em);
        if (found.status !== 'paid') throw new InvoiceClosed(found.status);
        return found;
      }
      const { orgId, subscriptionId } = invoice;
      const details = { subscription_id: subscriptionId, amount: invoice.amountDue };
      await this.audit.record(em, { actor, action: 'invoice.paid', target: id, orgId, details });
      if (subscriptionId !== null) await this.payments.received(em, subscriptionId, actor);
      return this.get(id, em);
    });
  }

  /** Takes an open invoice back. Throws {@link InvoiceNotFound}, {@link InvoiceClosed}. */
  cancel(actor: Actor, id: string): Promise<Invoice> {
    return this.transactor.run(async (em) => {
      const { orgId } = await this.get(id, em);
      const ended = await this.invoices.end(em, id, { status: 'void' });
      const invoice = await this.get(id, em);
      if (!ended && invoice.status !== 'void') throw new InvoiceClosed(invoice.status);
      if (ended) await this.audit.record(em, { actor, action: 'invoice.voided', target: id, orgId });
      return invoice;
    });
  }

  /** The next invoices of everything that an organisation goes on with. Throws what {@link BillingProvider} throws. */
  async upcoming(orgId: string): Promise<Upcoming> {
    const all = await this.subscriptions.list(orgId);
    const renewing = all.filter(
      ({ status, currentPeriodEnd }) => currentPeriodEnd !== null && RENEWING.includes(status),
    );
    const previews = await Promise.all(
      renewing.map(async (one) => (await this.provider.preview(one)) ?? this.preview(one)),
    );
    const [first] = previews.sort((a, b) => +a.from - +b.from);
    const now = this.clock.now();
    return {
      amount: previews.reduce((sum, { amount }) => sum + amount, 0),
      currency: first?.currency ?? this.plans.currency,
      period: first ?? { from: now, to: nextMonth(now) },
      lines: previews.flatMap(({ lines }) => lines),
      subscriptionId: renewing.length === 1 ? renewing[0].id : null,
    };
  }

  private preview(subscription: Subscription): InvoicePreview {
    const { basePriceCents: amount, currency, currentPeriodEnd, startedAt } = subscription;
    const from = currentPeriodEnd as Date;
    const period = { from, to: nextMonth(from, startedAt?.getUTCDate()) };
    return { amount, currency, ...period, lines: [this.lineOf(subscription, period)] };
  }

  private async get(id: string, em: EntityManager): Promise<Invoice> {
    const found = UUID.test(id) ? await this.invoices.find(id, em) : null;
    if (found === null) throw new InvoiceNotFound();
    return found;
  }

  private lineOf(subscription: Subscription, { from, to }: Period): InvoiceLine {
    const { resourceType, resourceId, basePriceCents } = subscription;
    const what = resourceType === 'graph' ? (resourceId ?? 'a graph') : String(subscription.metadata.repository);
    return {
      description: `${this.plans.nameOf(subscription)}: ${what}`,
      amount: basePriceCents,
      quantity: 1,
      period_start: from.toISOString(),
      period_end: to.toISOString(),
    };
  }
}
