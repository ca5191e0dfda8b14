import { integer, oneOf, type Parse, Setting, text, url } from '../config/setting';
import { type Tier, TIERS } from '../limits/tiers';

type Prices = Record<Tier, number>;
const PRICES: Prices = { 'ladybug-standard': 4_900, 'ladybug-large': 19_900, 'ladybug-xlarge': 49_900 };

/** `{"ladybug-large": 25000}`; what is not named keeps its default. */
const prices: Parse<Prices> = (value) => {
  const given = byPlan(value);
  for (const [tier, cents] of Object.entries(given)) {
    if (!Number.isSafeInteger(cents) || (cents as number) < 0) throw new Error(`must have whole cents for ${tier}`);
  }
  return { ...PRICES, ...given };
};

/** `others`: what may be named beside tiers. */
function byPlan(json: string, others?: RegExp): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new Error('must be JSON, such as {"ladybug-standard": 4900}');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('must be a JSON object');
  const unknown = Object.keys(value).find((name) => !others?.test(name) && !TIERS.some((tier) => tier === name));
  if (unknown !== undefined) throw new Error(`names the tier "${unknown}"; there are ${TIERS.join(', ')}`);
  return value as Record<string, unknown>;
}

/** `{"ladybug-large": "price_...", "companies/basic": "price_..."}`. */
const stripePrices: Parse<Record<string, string>> = (given) => {
  const ids = byPlan(given, /^[a-z][a-z0-9_]*\/[a-z][a-z0-9_]*$/);
  if (!Object.values(ids).every((id) => typeof id === 'string')) throw new Error('must have the id of a price by plan');
  return ids as Record<string, string>;
};

const currency: Parse<string> = (code) => {
  if (!/^[a-z]{3}$/.test(code)) throw new Error('must be three small letters, such as usd');
  return code;
};

/** What graphs cost, and how often that is looked after. */
export class BillingConfig {
  @Setting(
    'BILLING_PROVIDER',
    oneOf('manual', 'stripe'),
    'who collects: manual (the platform writes invoices, an operator notes that they were paid), or stripe',
  )
  readonly provider: 'manual' | 'stripe' = 'manual';

  @Setting('STRIPE_API_KEY', text(), 'secret key of the account at Stripe')
  readonly stripeKey?: string = undefined;

  @Setting('STRIPE_WEBHOOK_SECRET', text(), 'signing secret of the endpoint /admin/v1/webhooks/stripe')
  readonly stripeWebhookSecret?: string = undefined;

  @Setting(
    'STRIPE_PRICES',
    stripePrices,
    'ids of monthly prices at Stripe by tier, and by repository and plan, as JSON: {"ladybug-standard": "price_1"}',
  )
  readonly stripePrices: Record<string, string> = {};

  @Setting('STRIPE_API_URL', url('http', 'https'), 'where Stripe is reached')
  readonly stripeUrl: string = 'https://api.stripe.com';

  @Setting('STRIPE_TIMEOUT_SECONDS', integer({ min: 1, max: 80 }), 'longest time of one call to Stripe')
  readonly stripeTimeoutSeconds: number = 20;

  @Setting('BILLING_RETURN_URL', url('http', 'https'), 'where people go after a page of the provider')
  readonly returnUrl: string = 'http://localhost:8000';

  @Setting(
    'BILLING_SYNC_SECONDS',
    integer({ min: 1, max: 86_400 }),
    'seconds between two looks for what the provider was not told yet: ends, and other plans',
  )
  readonly providerSyncSeconds: number = 5;

  @Setting(
    'BILLING_PRICES',
    prices,
    'cents of a month by tier, as JSON: {"ladybug-standard": 4900}',
    '4900, 19900, 49900',
  )
  readonly prices: Prices = PRICES;

  @Setting('BILLING_CURRENCY', currency, 'currency of all prices')
  readonly currency: string = 'usd';

  @Setting(
    'BILLING_RENEWAL_SECONDS',
    integer({ min: 1, max: 86_400 }),
    'seconds between two looks for subscriptions whose period is over, and for invoices that were not paid in time',
  )
  readonly renewalSeconds: number = 60;

  @Setting(
    'CREDITS_SECONDS',
    integer({ min: 1, max: 86_400 }),
    'seconds between two looks for graphs without the credits of this month',
  )
  readonly creditsSeconds: number = 60;

  @Setting(
    'STORAGE_OVERAGE_SECONDS',
    integer({ min: 1, max: 86_400 }),
    'seconds between two looks for graphs that take more storage than their tier includes; each is booked once a day',
  )
  readonly overageSeconds: number = 900;
}
