import { DomainError } from '../common/domain-error';

export class SubscriptionNotFound extends DomainError {
  readonly code = 'subscription_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no such subscription here. GET /v1/billing/subscriptions/{org_id} lists them');
  }
}

export class PlanNotFound extends DomainError {
  readonly code = 'plan_not_found';
  readonly kind = 'bad_request';
  constructor(name: string) {
    super(`There is no plan "${name}". GET /v1/offering lists what there is`);
  }
}

/** An order says of a graph that it is a repository, or of a repository nothing. */
export class NotOffered extends DomainError {
  readonly code = 'not_offered';
  readonly kind = 'bad_request';
  constructor() {
    super(
      'Say with resource_type "repository" and resource_config.repository which shared repository, of those that GET /v1/offering lists; ' +
        'a graph is ordered with resource_type "graph"',
    );
  }
}

export class PayingOrgNeeded extends DomainError {
  readonly code = 'paying_organisation_needed';
  readonly kind = 'bad_request';
  constructor(orgs: number) {
    super(
      orgs === 0
        ? 'You are owner or admin of no organisation, so you cannot order. Ask an owner of yours to do it'
        : 'Say with resource_config.org_id which organisation pays: one that you are an owner or admin of',
    );
  }
}

export class CheckoutNotFound extends DomainError {
  readonly code = 'checkout_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no such checkout of yours. Its id is the session_id that POST /v1/billing/checkout answered');
  }
}

export class NoBillingPortal extends DomainError {
  readonly code = 'no_billing_portal';
  readonly kind = 'conflict';
  constructor() {
    super('Invoices of this installation are paid directly, so there are no payment methods to look after');
  }
}

export class InvoiceNotFound extends DomainError {
  readonly code = 'invoice_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no such invoice. GET /v1/admin/invoices lists them');
  }
}

export class InvoiceClosed extends DomainError {
  readonly code = 'invoice_closed';
  readonly kind = 'conflict';
  constructor(status: string) {
    super(`The invoice is ${status}, so nothing of it can be changed. Order again where something is still wanted`);
  }
}

/** Changing what is paid for is up to owners. */
export class OwnersOnly extends DomainError {
  readonly code = 'role_required';
  readonly kind = 'forbidden';
  override readonly details = { required_role: 'owner' };
  constructor() {
    super('Only an owner of the organisation can change what it pays. Ask one of them');
  }
}

export class NothingToChange extends DomainError {
  readonly code = 'plan_unchanged';
  readonly kind = 'conflict';
  constructor(plan: string) {
    super(`The graph is on the plan ${plan} already. Name another one`);
  }
}

export class SubscriptionNotChangeable extends DomainError {
  readonly code = 'subscription_not_active';
  readonly kind = 'conflict';
  constructor(status: string) {
    super(`The subscription is ${status}, and only an active one can be moved to another plan`);
  }
}

/** It cannot be reached, takes too long, or fails. */
export class BillingProviderUnavailable extends DomainError {
  readonly code = 'billing_provider_unavailable';
  readonly kind = 'unavailable';
  override readonly retryAfterSeconds = 30;
  override readonly retryable = true;
  constructor(cause: Error) {
    super('The payment provider does not answer at the moment. Nothing was ordered or changed; try again in a minute', {
      cause,
    });
  }
}

/** It understood what was asked and does not do it: mostly a setting that does not fit. */
export class BillingProviderRefused extends DomainError {
  readonly code = 'billing_provider_refused';
  readonly kind = 'conflict';
  constructor(why: string, cause?: Error) {
    super('The payment provider does not accept this. Ask the operator of this installation to look at its settings', {
      cause: cause ?? new Error(why),
    });
  }
}

export class WebhookSignatureInvalid extends DomainError {
  readonly code = 'webhook_signature_invalid';
  readonly kind = 'bad_request';
  constructor() {
    super('The event is not signed with the secret of this endpoint, was changed on its way, or is too old');
  }
}

export class WebhooksNotTaken extends DomainError {
  readonly code = 'webhooks_not_taken';
  readonly kind = 'unavailable';
  constructor() {
    super('This installation takes no events of Stripe. Set BILLING_PROVIDER=stripe and STRIPE_WEBHOOK_SECRET');
  }
}

/** Not an end: Stripe sends it again, and by then the order may be known. */
export class UnknownSubscription extends DomainError {
  readonly code = 'subscription_unknown';
  readonly kind = 'unavailable';
  constructor() {
    super('The event is about a subscription that is not known here. Send it again later');
  }
}
