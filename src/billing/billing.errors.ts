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
