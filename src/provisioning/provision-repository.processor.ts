import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CreditsService } from '../billing/credits.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { RepositoriesService } from '../repositories/repositories.service';
import { ClaimedSubscriptions } from './claimed-subscriptions';
import { ProvisionRepository, type ProvisionRepositoryPayload } from './provisioning.operations';

/** What an order says of a repository, see `billing/checkout.service.ts`. */
interface Ordered {
  repository: string;
  monthly_credits: number;
}

/**
 * Subscription -> the right to read a repository, and its credits. Each step has happened once however often its worker dies:
 * a subscription grants once, a month's credits have a key, and the subscription becomes active by compare-and-set.
 */
@Injectable()
@HandlesOperation(ProvisionRepository)
export class ProvisionRepositoryProcessor extends OperationProcessor<typeof ProvisionRepository> {
  constructor(
    private readonly claimed: ClaimedSubscriptions,
    private readonly repositories: RepositoriesService,
    private readonly credits: CreditsService,
  ) {
    super();
  }

  async run({ subscriptionId }: ProvisionRepositoryPayload, ctx: OperationContext): Promise<object> {
    ctx.progress(10, 'Checking the subscription');
    const { orgId, planName, metadata } = await this.claimed.require(subscriptionId);
    const { repository, monthly_credits: monthlyCredits } = metadata as unknown as Ordered;
    ctx.progress(30, 'Granting access');
    const wanted = { repository, orgId, subscriptionId, plan: planName, monthlyCredits };
    const grant = await ctx.transaction((em) => this.repositories.grant(em, wanted));
    ctx.progress(50, 'Allocating credits');
    const { monthlyAllocation } = await this.credits.allocate(grant.id);
    ctx.progress(70, 'Activating the subscription');
    const result = {
      subscription_id: subscriptionId,
      repository_name: repository,
      graph_id: grant.graphId,
      access_granted: true,
      credits_allocated: monthlyAllocation,
      status: 'activated',
    };
    await ctx.transaction(async (em) => {
      await this.claimed.activate(em, subscriptionId, ctx.operationId, repository);
      await ctx.keepResult(em, result);
    });
    return result;
  }

  /** Nobody reads by a subscription that is not active. */
  protected override async afterFailureOrCancel(
    em: EntityManager,
    { subscriptionId }: ProvisionRepositoryPayload,
    ended: Operation,
  ): Promise<void> {
    await this.repositories.revoke(em, null, subscriptionId);
    await this.claimed.noteFailure(em, subscriptionId, ended);
  }

  protected override beforeRetry(
    em: EntityManager,
    { subscriptionId }: ProvisionRepositoryPayload,
    retry: Operation,
  ): Promise<void> {
    return this.claimed.reclaim(em, subscriptionId, retry);
  }
}
