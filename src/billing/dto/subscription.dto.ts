import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { Text } from '../../common/text';
import type { Plans } from '../plans';
import type { Subscription } from '../subscription.entity';

export class ChangePlanDto {
  @Text({ max: 100 })
  new_plan_name: string;
}

export class CreateSubscriptionDto {
  @Text({ max: 100 })
  plan_name: string;

  /** Which organisation pays; needed only by those who may order for several. */
  @IsOptional()
  @IsUUID()
  org_id?: string;
}

export class CancelSubscriptionQuery {
  /** At once; otherwise what is paid for stays until the end of the period. */
  @IsOptional()
  @IsIn(['true', 'false'])
  immediately: 'true' | 'false' = 'false';
}

/** `operationId` is that of the change which was just begun; without it the one that provisioned. */
export function toSubscriptionDto(subscription: Subscription, plans: Plans, operationId?: string): object {
  return {
    id: subscription.id,
    resource_type: subscription.resourceType,
    // The wire contract has text here at all times.
    resource_id: subscription.resourceId ?? '',
    plan_name: subscription.planName,
    plan_display_name: plans.nameOf(subscription),
    billing_interval: subscription.billingInterval,
    status: subscription.status,
    base_price_cents: subscription.basePriceCents,
    created_at: subscription.createdAt.toISOString(),
    current_period_start: subscription.currentPeriodStart?.toISOString() ?? null,
    current_period_end: subscription.currentPeriodEnd?.toISOString() ?? null,
    started_at: subscription.startedAt?.toISOString() ?? null,
    canceled_at: subscription.canceledAt?.toISOString() ?? null,
    ends_at: subscription.endsAt?.toISOString() ?? null,
    operation_id: operationId ?? subscription.provisioningOperationId,
  };
}
