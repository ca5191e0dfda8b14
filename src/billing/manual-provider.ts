import { Injectable } from '@nestjs/common';
import { NoBillingPortal } from './billing.errors';
import { BillingProvider, type CheckoutRequest, type PaymentMethod } from './billing-provider';

/** Nobody collects: the platform writes invoices itself, and an operator notes that they were paid (`invoices.service.ts`). */
@Injectable()
export class ManualProvider extends BillingProvider {
  createCheckout({ subscription }: CheckoutRequest): Promise<{ sessionId: string; url: string | null }> {
    return Promise.resolve({ sessionId: `cs_${subscription.id}`, url: null });
  }

  createPortal(): Promise<string> {
    return Promise.reject(new NoBillingPortal());
  }

  /** There are none. */
  paymentMethods(): Promise<PaymentMethod[]> {
    return Promise.resolve([]);
  }

  /** The platform writes the invoices. */
  preview(): Promise<null> {
    return Promise.resolve(null);
  }

  /** There is nobody to tell. */
  cancel(): Promise<void> {
    return Promise.resolve();
  }

  /** There is nobody to tell. */
  changePlan(): Promise<void> {
    return Promise.resolve();
  }
}
