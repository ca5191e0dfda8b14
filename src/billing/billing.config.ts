import { integer, type Parse, Setting } from '../config/setting';
import { type Tier, TIERS } from '../limits/tiers';

type Prices = Record<Tier, number>;
const PRICES: Prices = { 'ladybug-standard': 4_900, 'ladybug-large': 19_900, 'ladybug-xlarge': 49_900 };

/** `{"ladybug-large": 25000}`; what is not named keeps its default. */
const prices: Parse<Prices> = (text) => {
  const given = byTier(text);
  for (const [tier, cents] of Object.entries(given)) {
    if (!Number.isSafeInteger(cents) || (cents as number) < 0) throw new Error(`must have whole cents for ${tier}`);
  }
  return { ...PRICES, ...given };
};

function byTier(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('must be JSON, such as {"ladybug-standard": 4900}');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('must be a JSON object');
  const unknown = Object.keys(value).find((name) => !TIERS.some((tier) => tier === name));
  if (unknown !== undefined) throw new Error(`names the tier "${unknown}"; there are ${TIERS.join(', ')}`);
  return value as Record<string, unknown>;
}

const currency: Parse<string> = (text) => {
  if (!/^[a-z]{3}$/.test(text)) throw new Error('must be three small letters, such as usd');
  return text;
};

/** What graphs cost, and how often that is looked after. */
export class BillingConfig {
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
