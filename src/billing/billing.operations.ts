import { IsUUID } from 'class-validator';
import { Text } from '../common/text';
import { defineOperation } from '../operations/define-operation';

export class TellProviderPayload {
  @IsUUID()
  subscriptionId: string;

  /** What was decided when this began, see `SubscriptionsRepository.decidedOf`. */
  @Text({ max: 200 })
  decided: string;
}

/** Tells who collects the money what was decided about a subscription: an end, or another plan. */
export const TellProvider = defineOperation({
  name: 'subscription_sync',
  locks: 'none',
  resourceOf: ({ subscriptionId }) => `subscription:${subscriptionId}`,
  retryRole: 'admin',
  payload: TellProviderPayload,
  // It is tried for the better part of an hour; after that an operator finds it among the dead letters.
  policy: { attempts: 12, backoffMs: 2_000, timeoutMs: 60_000, concurrency: 2, cancellable: false, retentionDays: 90 },
});
