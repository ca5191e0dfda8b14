import { Injectable } from '@nestjs/common';
import { NoBillingPortal } from './billing.errors';
import { BillingProvider, type CheckoutRequest } from './billing-provider';

/** Nobody collects: the platform writes invoices itself, and an operator notes that they were paid (`invoices.service.ts`). */
@Injectable()
export class ManualProvider extends BillingProvider {
  createCheckout({ subscription }: CheckoutRequest): Promise<{ sessionId: string; url: string | null }> {
    return Promise.resolve({ sessionId: `cs_${subscription.id}`, url: null });
  }

  createPortal(): Promise<string> {
    return Promise.reject(new NoBillingPortal());
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
