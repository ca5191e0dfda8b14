import { type Parse, Setting } from '../config/setting';
import { DEFAULT_LIMITS, type Tier, type TierLimits, TIERS } from './tiers';

/** Stands for every tier. */
const ALL = '*';
const NAMES = Object.keys(DEFAULT_LIMITS[TIERS[0]]);

type Overrides = Partial<Record<Tier, Partial<TierLimits>>>;

/** `{"ladybug-large": {"storage_gb": 200}, "*": {"max_file_mb": 50}}`; what a tier says itself counts more than `*`. */
const overrides: Parse<Overrides> = (text) => {
  const given = objectOf(text);
  const checked = Object.entries(given).map(([tier, limits]) => [tier, limitsOf(tier, limits)] as const);
  const all = checked.find(([tier]) => tier === ALL)?.[1] ?? {};
  return Object.fromEntries(TIERS.map((name) => [name, { ...all, ...checked.find(([tier]) => tier === name)?.[1] }]));
};

function objectOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('must be JSON, such as {"ladybug-standard": {"storage_gb": 20}}');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('must be a JSON object');
  return value as Record<string, unknown>;
}

function limitsOf(tier: string, value: unknown): Partial<TierLimits> {
  if (tier !== ALL && !TIERS.some((name) => name === tier)) {
    throw new Error(`names the tier "${tier}"; there are ${TIERS.join(', ')}, and ${ALL} for all of them`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`must have an object of limits for ${tier}`);
  }
  for (const [name, figure] of Object.entries(value)) {
    if (!NAMES.includes(name)) throw new Error(`names the limit "${name}" of ${tier}; there are ${NAMES.join(', ')}`);
    if (!Number.isSafeInteger(figure) || (figure as number) < 1) {
      throw new Error(`must have a whole number from 1 on as ${name} of ${tier}`);
    }
  }
  return value;
}

/** What an installation allows its graphs. */
export class LimitsConfig {
  @Setting(
    'TIER_LIMITS',
    overrides,
    'limits that differ from those of src/limits/tiers.ts, as JSON by tier (* for all): {"*": {"max_file_mb": 50}}',
    'none differs',
  )
  readonly tierLimits: Overrides = {};
}
