import { Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { Clock } from '../common/clock';
import { BillingConfig } from './billing.config';
import { BillingProviderRefused, BillingProviderUnavailable } from './billing.errors';
import { BillingProvider, type CheckoutRequest, type InvoicePreview, type PaymentMethod } from './billing-provider';
import { at, idOf, toLines, toPaymentMethod } from './stripe-objects';
import type { Subscription } from './subscription.entity';

/** Of one call; each is sent again with the same idempotency key where it failed on its way. */
const RETRIES = 2;
/** That are shown of a customer. */
const MOST_METHODS = 20;

/** Collects by Stripe: its pages take the money, and its events say what came (`stripe-events.ts`). */
@Injectable()
export class StripeProvider extends BillingProvider {
  private readonly stripe: Stripe;

  constructor(
    private readonly config: BillingConfig,
    private readonly clock: Clock,
  ) {
    super();
    if (config.stripeKey === undefined || config.stripeWebhookSecret === undefined) {
      throw new Error('BILLING_PROVIDER=stripe needs STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET');
    }
    const { hostname, port, protocol } = new URL(config.stripeUrl);
    const plain = protocol === 'http:';
    this.stripe = new Stripe(config.stripeKey, {
      host: hostname,
      port: port || (plain ? 80 : 443),
      protocol: plain ? 'http' : 'https',
      timeout: config.stripeTimeoutSeconds * 1_000,
      maxNetworkRetries: RETRIES,
      telemetry: false,
    });
  }

  createCheckout({ subscription, customerId }: CheckoutRequest): Promise<{ sessionId: string; url: string | null }> {
    const { id, orgId } = subscription;
    const metadata = { subscription_id: id, org_id: orgId };
    return this.ask(async () => {
      const session = await this.stripe.checkout.sessions.create(
        {
          mode: 'subscription',
          line_items: [{ price: this.priceOf(subscription), quantity: 1 }],
          client_reference_id: id,
          metadata,
          subscription_data: { metadata },
          success_url: this.config.returnUrl,
          cancel_url: this.config.returnUrl,
          ...(customerId === null ? {} : { customer: customerId }),
        },
        { idempotencyKey: `checkout-${id}` },
      );
      return { sessionId: session.id, url: session.url };
    });
  }

  createPortal(customerId: string): Promise<string> {
    return this.ask(async () => {
      const { returnUrl } = this.config;
      return (await this.stripe.billingPortal.sessions.create({ customer: customerId, return_url: returnUrl })).url;
    });
  }

  paymentMethods(customerId: string): Promise<PaymentMethod[]> {
    return this.ask(async () => {
      const customer = await this.stripe.customers.retrieve(customerId);
      if (customer.deleted) return [];
      const { data } = await this.stripe.customers.listPaymentMethods(customerId, { limit: MOST_METHODS });
      const preferred = idOf(customer.invoice_settings.default_payment_method);
      return data.map((method) => toPaymentMethod(method, method.id === preferred || data.length === 1));
    });
  }

  async preview({ providerSubscriptionId }: Subscription): Promise<InvoicePreview | null> {
    if (providerSubscriptionId === null) return null;
    return this.ask(async () => {
      const next = await this.stripe.invoices.createPreview({ subscription: providerSubscriptionId });
      const { amount_due: amount, currency, period_start: from, period_end: to } = next;
      return { amount, currency, from: at(from), to: at(to), lines: toLines(next) };
    });
  }

  async cancel({ id, providerSubscriptionId }: Subscription, endsAt: Date): Promise<void> {
    if (providerSubscriptionId === null) return;
    const atOnce = endsAt <= this.clock.now();
    await this.ask(async () => {
      // What is canceled already cannot be told so again.
      const known = await this.stripe.subscriptions.retrieve(providerSubscriptionId);
      if (known.status === 'canceled' || known.status === 'incomplete_expired') return;
      const idempotencyKey = `cancel-${id}-${atOnce ? 'now' : endsAt.getTime()}`;
      if (atOnce) await this.stripe.subscriptions.cancel(providerSubscriptionId, {}, { idempotencyKey });
      else
        await this.stripe.subscriptions.update(
          providerSubscriptionId,
          { cancel_at_period_end: true },
          { idempotencyKey },
        );
    });
  }

  async changePlan(subscription: Subscription, changeId: string): Promise<void> {
    const { providerSubscriptionId } = subscription;
    if (providerSubscriptionId === null) return;
    const price = this.priceOf(subscription);
    await this.ask(async () => {
      const [item] = (await this.stripe.subscriptions.retrieve(providerSubscriptionId)).items.data;
      if (item === undefined || item.price.id === price) return;
      await this.stripe.subscriptions.update(
        providerSubscriptionId,
        { items: [{ id: item.id, price }], proration_behavior: 'create_prorations' },
        { idempotencyKey: `plan-${changeId}` },
      );
    });
  }

  private priceOf({ resourceType, planName, metadata }: Subscription): string {
    const plan = resourceType === 'graph' ? planName : `${String(metadata.repository)}/${planName}`;
    const price = (this.config.stripePrices as Partial<Record<string, string>>)[plan];
    if (price === undefined) throw new BillingProviderRefused(`STRIPE_PRICES names no price of the plan ${plan}`);
    return price;
  }

  private async ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeError)) throw error;
      const status = error.statusCode;
      // Without a status nothing was answered.
      if (status === undefined || status >= 500 || status === 429) throw new BillingProviderUnavailable(error);
      throw new BillingProviderRefused(error.message, error);
    }
  }
}
