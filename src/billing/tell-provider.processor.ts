import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { TellProvider, type TellProviderPayload } from './billing.operations';
import { BillingProvider } from './billing-provider';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/**
 * Tells the provider what was decided here. Each call has the effect of one however often it is made, and what was told last
 * is kept beside the subscription, so a worker may die at any point.
 */
@Injectable()
@HandlesOperation(TellProvider)
export class TellProviderProcessor extends OperationProcessor<typeof TellProvider> {
  constructor(
    private readonly provider: BillingProvider,
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
  ) {
    super();
  }

  async run({ subscriptionId, decided }: TellProviderPayload, ctx: OperationContext): Promise<object> {
    const subscription = await this.subscriptions.get(subscriptionId);
    // Decided anew meanwhile; that is told by an operation of its own.
    if ((await this.rows.decidedOf(subscriptionId)) !== decided) return { subscription_id: subscriptionId, told: null };
    ctx.progress(20, 'Telling the provider');
    if (subscription.endsAt === null) await this.provider.changePlan(subscription, ctx.operationId);
    else await this.provider.cancel(subscription, subscription.endsAt);
    const result = { subscription_id: subscriptionId, told: decided };
    await ctx.transaction(async (em) => {
      await this.rows.update(em, subscriptionId, { providerTold: decided });
      await this.subscriptions.record(em, 'subscription.provider_told', subscription, { told: decided });
      await ctx.keepResult(em, result);
    });
    return result;
  }

  protected override async afterFailureOrCancel(
    em: EntityManager,
    { subscriptionId, decided }: TellProviderPayload,
    { id, error }: Operation,
  ): Promise<void> {
    const details = { operation_id: id, not_told: decided, code: error?.code };
    const subscription = await this.subscriptions.get(subscriptionId, { em });
    await this.subscriptions.record(em, 'subscription.provider_not_told', subscription, details, 'failure');
  }
}
