/** Where a subscription stands. The last two are terminal, but that one that failed is also canceled at its provider. */
export const SUBSCRIPTION_STATUSES = [
  'pending_payment',
  'provisioning',
  'active',
  'upgrading',
  'past_due',
  'unpaid',
  'paused',
  'canceled',
  'failed',
] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

/** Those whose next period begins by itself. */
export const RENEWING: readonly SubscriptionStatus[] = ['active', 'upgrading', 'past_due'];

interface Transition {
  readonly from: readonly SubscriptionStatus[];
  readonly to: SubscriptionStatus;
  /** Whether what was paid for has to be there, or must not; absent where it does not matter. */
  readonly provisioned?: boolean;
}

/** Every change of a subscription's status; there are no others. */
export const TRANSITIONS = {
  /** The first payment came, maybe late: it is claimed for the one operation that makes what was paid for. */
  paid: { from: ['pending_payment', 'unpaid', 'past_due'], to: 'provisioning', provisioned: false },
  /** The operation that claimed it is dead, and another one takes over. */
  reclaimed: { from: ['provisioning'], to: 'provisioning', provisioned: false },
  activated: { from: ['provisioning'], to: 'active' },
  provisioning_failed: { from: ['provisioning'], to: 'failed' },
  change_begun: { from: ['active'], to: 'upgrading', provisioned: true },
  change_ended: { from: ['upgrading'], to: 'active', provisioned: true },
  /** A payment came for what was made long ago. */
  recovered: { from: ['past_due', 'unpaid', 'paused'], to: 'active', provisioned: true },
  /** A change of plan that is on its way then fails. */
  past_due: { from: ['active', 'upgrading', 'paused'], to: 'past_due' },
  unpaid: { from: ['pending_payment', 'active', 'upgrading', 'past_due', 'paused'], to: 'unpaid' },
  paused: { from: ['active', 'past_due'], to: 'paused' },
  canceled: {
    from: ['pending_payment', 'provisioning', 'active', 'upgrading', 'past_due', 'unpaid', 'paused', 'failed'],
    to: 'canceled',
  },
} as const satisfies Record<string, Transition>;
export type SubscriptionChange = keyof typeof TRANSITIONS;

export function transitionOf(change: SubscriptionChange): Transition {
  return TRANSITIONS[change];
}
