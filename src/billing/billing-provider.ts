import type { InvoiceLine } from './invoice.entity';
import type { Subscription } from './subscription.entity';

/** What a customer pays with. */
export interface PaymentMethod {
  id: string;
  /** Such as `card`. */
  type: string;
  is_default: boolean;
  brand: string | null;
  last4: string | null;
  exp_month: number | null;
  exp_year: number | null;
}

/** What will be asked for next; in cents. */
export interface InvoicePreview {
  amount: number;
  currency: string;
  from: Date;
  to: Date;
  lines: InvoiceLine[];
}

/** What a provider needs to know of an order. */
export interface CheckoutRequest {
  subscription: Subscription;
  /** The organisation's id at the provider, where it has one. */
  customerId: string | null;
}

/**
 * Who collects the money. Every call goes over the network, so none is made inside a transaction, and each may be made again
 * with the same effect as once. Throws `BillingProviderUnavailable` where the provider cannot be reached or fails, and
 * `BillingProviderRefused` where it does not do what was asked.
 */
export abstract class BillingProvider {
  /** A page on which the order can be paid. */
  abstract createCheckout(request: CheckoutRequest): Promise<{ sessionId: string; url: string | null }>;

  /** A page on which the organisation looks after its payment methods. */
  abstract createPortal(customerId: string): Promise<string>;

  /** What the organisation can pay with. */
  abstract paymentMethods(customerId: string): Promise<PaymentMethod[]>;

  /** The next invoice of a subscription that goes on; null where the platform writes the invoices itself. */
  abstract preview(subscription: Subscription): Promise<InvoicePreview | null>;

  /** Collects nothing more from `endsAt` on, or at once where that is over. */
  abstract cancel(subscription: Subscription, endsAt: Date): Promise<void>;

  /** Collects what the subscription's plan costs, from now on. `changeId`: the same for each try of one change, and for no other. */
  abstract changePlan(subscription: Subscription, changeId: string): Promise<void>;
}
