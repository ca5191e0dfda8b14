import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Plans } from '../billing/plans';
import { SubscriptionsService } from '../billing/subscriptions.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { OperationNotRepeatable } from '../operations/operations.errors';
import type { Tier } from '../limits/tiers';
import { SubscriptionMovedOn } from './provisioning.errors';
import { ChangeGraphTier, type ChangeGraphTierPayload } from './provisioning.operations';
import { ProvisioningService } from './provisioning.service';

/** Place, limits and result are one transaction: a failure at any point leaves the graph in its tier. */
@Injectable()
@HandlesOperation(ChangeGraphTier)
export class ChangeGraphTierProcessor extends OperationProcessor<typeof ChangeGraphTier> {
  constructor(
    private readonly provisioning: ProvisioningService,
    private readonly subscriptions: SubscriptionsService,
    private readonly plans: Plans,
    private readonly audit: AuditService,
  ) {
    super();
  }

  async run({ from, to, subscriptionId }: ChangeGraphTierPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    ctx.progress(30, `Moving the graph to tier ${to}`);
    const result = { graph_id: graphId, tier: to, previous_tier: from };
    await ctx.transaction(async (em) => {
      await this.provisioning.changeTier(em, graphId, from, to);
      if (subscriptionId !== undefined) await this.changePlan(em, subscriptionId, to, ctx.operationId);
      await this.record(em, ctx.userId, 'graph.tier_changed', graphId, ctx.orgId, { from, to }, ctx.operationId);
      await ctx.keepResult(em, result);
    });
    return result;
  }

  protected override async afterFailureOrCancel(
    em: EntityManager,
    { from, to, subscriptionId }: ChangeGraphTierPayload,
    ended: Operation,
  ): Promise<void> {
    if (subscriptionId !== undefined) await this.subscriptions.endChange(em, subscriptionId, null, ended.id);
    const details = { from, to, code: ended.error?.code ?? ended.status };
    await this.record(em, ended.userId, 'graph.tier_change_failed', ended.graphId!, ended.orgId, details, ended.id);
  }

  /** The subscription is active again with its old plan: what it may change to is asked for anew. */
  protected override beforeRetry(
    _em: EntityManager,
    { subscriptionId }: ChangeGraphTierPayload,
    { retryOf }: Operation,
  ): Promise<void> {
    if (subscriptionId === undefined) return Promise.resolve();
    return Promise.reject(new OperationNotRepeatable(retryOf!, 'ask for the other plan of the subscription again'));
  }

  /** The price follows; whoever collects it is told of the plan that the subscription has. */
  private async changePlan(em: EntityManager, id: string, to: Tier, operationId: string): Promise<void> {
    const { name, priceCents } = this.plans.get(to);
    const changed = await this.subscriptions.endChange(
      em,
      id,
      { planName: name, basePriceCents: priceCents },
      operationId,
    );
    if (changed === null) throw new SubscriptionMovedOn(id, (await this.subscriptions.get(id, { em })).status);
  }

  private record(
    em: EntityManager,
    userId: string | null,
    action: string,
    target: string,
    orgId: string | null,
    details: Record<string, unknown>,
    operationId: string,
  ): Promise<void> {
    return this.audit.record(em, {
      actor: { userId },
      action,
      target,
      orgId,
      outcome: action.endsWith('failed') ? 'failure' : 'success',
      details: { ...details, operation_id: operationId },
    });
  }
}
