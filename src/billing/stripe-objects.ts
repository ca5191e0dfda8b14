import type Stripe from 'stripe';
import type { PaymentMethod } from './billing-provider';
import type { InvoiceLine } from './invoice.entity';

/** A time of Stripe, which counts seconds. */
export function at(seconds: number): Date {
  return new Date(seconds * 1_000);
}

/** Of what Stripe names by its id, or gives whole. */
export function idOf(reference: string | { id: string } | null): string | null {
  return reference === null || typeof reference === 'string' ? reference : reference.id;
}

export function toLines({ lines }: Stripe.Invoice): InvoiceLine[] {
  return lines.data.map((line) => ({
    description: line.description ?? '',
    amount: line.amount,
    quantity: line.quantity ?? 1,
    period_start: at(line.period.start).toISOString(),
    period_end: at(line.period.end).toISOString(),
  }));
}

/** Of what is no card only the type is known here. */
export function toPaymentMethod({ id, type, card }: Stripe.PaymentMethod, isDefault: boolean): PaymentMethod {
  return {
    id,
    type,
    is_default: isDefault,
    brand: card?.brand ?? null,
    last4: card?.last4 ?? null,
    exp_month: card?.exp_month ?? null,
    exp_year: card?.exp_year ?? null,
  };
}
