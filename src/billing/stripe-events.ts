import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type Stripe from 'stripe';
import { Clock } from '../common/clock';
import { UUID } from '../common/ids';
import { Transactor } from '../database/transactor';
import { UnknownSubscription } from './billing.errors';
import { BillingCustomersRepository } from './billing-customers.repository';
import { Payments } from './payments';
import { STRIPE, type Subscription } from './subscription.entity';
import type { SubscriptionChange } from './subscription-transitions';
import { at, idOf } from './stripe-objects';
import { StripeInvoices } from './stripe-invoices';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/** What a status at Stripe means here; others say nothing. */
const STATUS_CHANGES: Readonly<Record<string, SubscriptionChange>> = {
  active: 'recovered',
  trialing: 'recovered',
  past_due: 'past_due',
  unpaid: 'unpaid',
  paused: 'paused',
  canceled: 'canceled',
  incomplete_expired: 'canceled',
};

/**
 * What Stripe tells. An event's effect and the mark that it was processed are one transaction, so that one that comes
 * again does nothing. No effect depends on the order: the first sign of a payment claims the subscription, by whichever
 * event it comes, and every later one finds it claimed.
 */
@Injectable()
export class StripeEvents {
  constructor(
    private readonly transactor: Transactor,
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly customers: BillingCustomersRepository,
    private readonly invoices: StripeInvoices,
    private readonly payments: Payments,
    private readonly clock: Clock,
  ) {}

  /** False where it was processed before. Throws {@link UnknownSubscription}, so that it is sent again later. */
  process(event: Stripe.Event): Promise<boolean> {
    return this.transactor.run(async (em) => {
      const marked = await em.query<object[]>(
        `insert into billing_event (provider, event_id, type, effect, received_at) values ($1, $2, $3, '', $4)
         on conflict do nothing returning event_id`,
        [STRIPE, event.id, event.type, this.clock.now()],
      );
      // Another delivery of it has committed; while one is at work, the insert waits for its end.
      if (marked.length === 0) return false;
      const effect = await this.apply(em, event);
      await em.query('update billing_event set effect = $3 where provider = $1 and event_id = $2', [
        STRIPE,
        event.id,
        effect,
      ]);
      return true;
    });
  }

  private apply(em: EntityManager, event: Stripe.Event): Promise<string> {
    if (event.type === 'checkout.session.completed' || event.type === 'checkout.session.async_payment_succeeded') {
      return this.checkedOut(em, event.data.object);
    }
    if (
      event.type === 'invoice.created' ||
      event.type === 'invoice.finalized' ||
      event.type === 'invoice.paid' ||
      event.type === 'invoice.payment_succeeded' ||
      event.type === 'invoice.payment_failed' ||
      event.type === 'invoice.voided'
    ) {
      return this.invoiced(em, event.type, event.data.object);
    }
    if (event.type === 'customer.subscription.updated') return this.updated(em, event.data.object, event.created);
    if (event.type === 'customer.subscription.deleted') return this.ended(em, event.data.object);
    return Promise.resolve('ignored');
  }

  private async checkedOut(em: EntityManager, session: Stripe.Checkout.Session): Promise<string> {
    const named = session.metadata?.subscription_id ?? session.client_reference_id;
    const subscription = await this.linked(em, idOf(session.subscription), named);
    const customerId = idOf(session.customer);
    if (customerId !== null && (await this.customers.link(em, subscription.orgId, STRIPE, customerId)))
      await this.subscriptions.record(em, 'customer.linked', subscription, { customer: customerId });
    if (session.payment_status === 'unpaid') return 'not_paid_yet';
    await this.payments.received(em, subscription.id, null);
    return 'paid';
  }

  private async invoiced(em: EntityManager, type: string, invoice: Stripe.Invoice): Promise<string> {
    const details = invoice.parent?.subscription_details;
    if (details == null) return 'ignored';
    const subscription = await this.linked(em, idOf(details.subscription), details.metadata?.subscription_id);
    await this.invoices.keep(em, subscription, invoice);
    if (type === 'invoice.payment_failed') {
      // A payment that came meanwhile counts: the invoice says what holds.
      if (await this.invoices.isPaid(em, invoice.id)) return 'paid_meanwhile';
      const change = subscription.resourceId === null ? 'unpaid' : 'past_due';
      const changed = await this.rows.change(em, subscription.id, change);
      await this.subscriptions.record(em, 'payment.failed', changed, { invoice: invoice.id }, 'failure');
      return 'payment_failed';
    }
    if (type !== 'invoice.paid' && type !== 'invoice.payment_succeeded') return 'invoice_kept';
    await this.payments.received(em, subscription.id, null);
    return 'paid';
  }

  /** `created`: seconds; of two of them the one that was sent later counts, in whichever order they come. */
  private async updated(em: EntityManager, { id, ...told }: Stripe.Subscription, created: number): Promise<string> {
    const subscription = await this.linked(em, id, told.metadata.subscription_id);
    const sentAt = at(created);
    if (!(await this.rows.noteNews(em, subscription.id, sentAt))) return 'overtaken';
    const item = told.items.data[0];
    if (item !== undefined) {
      await this.rows.update(em, subscription.id, {
        currentPeriodStart: at(item.current_period_start),
        currentPeriodEnd: at(item.current_period_end),
      });
    }
    const change = STATUS_CHANGES[told.status];
    if (change === undefined) return 'ignored';
    if (change === 'canceled') return this.end(em, subscription, told.ended_at);
    const changed = await this.rows.change(em, subscription.id, change);
    await this.subscriptions.record(em, `subscription.${change}`, changed, { told: told.status });
    return changed === null ? 'unchanged' : change;
  }

  private async ended(em: EntityManager, { id, metadata, ended_at }: Stripe.Subscription): Promise<string> {
    return this.end(em, await this.linked(em, id, metadata.subscription_id), ended_at);
  }

  private async end(em: EntityManager, { id, endsAt }: Subscription, endedAt: number | null): Promise<string> {
    const end = endedAt === null ? this.clock.now() : at(endedAt);
    const changed = await this.subscriptions.cancel(em, id, { endsAt: end });
    if (changed === null && endsAt !== null && end < endsAt) await this.rows.update(em, id, { endsAt: end });
    return 'canceled';
  }

  /** The subscription, locked, that Stripe means by its id, or by ours in what we gave along; from now on both are known. */
  private async linked(
    em: EntityManager,
    providerId: string | null,
    ours: string | null | undefined,
  ): Promise<Subscription> {
    const known = providerId === null ? null : await this.rows.findByProvider(em, providerId);
    const id = known?.id ?? (ours != null && UUID.test(ours) ? ours : null);
    const found = id === null ? null : await this.rows.findLocked(em, id);
    if (found === null || found.provider !== STRIPE) throw new UnknownSubscription();
    if (found.providerSubscriptionId === null && providerId !== null) {
      await this.rows.update(em, found.id, { providerSubscriptionId: providerId });
    }
    return found;
  }
}
