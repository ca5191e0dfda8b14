import { DomainError } from '../common/domain-error';

/** What is asked for costs more than is left. */
export class CreditsExhausted extends DomainError {
  readonly code = 'credits_exhausted';
  readonly kind = 'payment_required';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(needed: number, balance: number) {
    super(
      `This costs ${needed} credits, and ${balance} are left. Wait for the next month's credits, or use a larger tier`,
    );
    this.details = { needed, balance };
  }
}
