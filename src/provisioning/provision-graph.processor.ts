import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SubscriptionsService } from '../billing/subscriptions.service';
import { FirstGeneration } from '../graphs/first-generation';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { SubscriptionMovedOn } from './provisioning.errors';
import { ProvisionGraph, type ProvisionGraphPayload } from './provisioning.operations';

/** Subscription -> graph. The graph goes live and its subscription becomes active in one transaction, or neither does. */
@Injectable()
@HandlesOperation(ProvisionGraph)
export class ProvisionGraphProcessor extends OperationProcessor<typeof ProvisionGraph> {
  constructor(
    private readonly subscriptions: SubscriptionsService,
    private readonly graphs: GraphsService,
    private readonly first: FirstGeneration,
  ) {
    super();
  }

  async run({ subscriptionId }: ProvisionGraphPayload, ctx: OperationContext): Promise<object> {
    ctx.progress(10, 'Checking the subscription');
    const { status } = await this.subscriptions.get(subscriptionId);
    if (status !== 'provisioning') throw new SubscriptionMovedOn(subscriptionId, status);
    return this.first.build(ctx, {
      percents: [30, 70],
      also: (em) => this.activate(em, subscriptionId, ctx),
    });
  }

  private async activate(em: EntityManager, subscriptionId: string, ctx: OperationContext): Promise<void> {
    const active = await this.subscriptions.activate(em, subscriptionId, ctx.operationId, ctx.graphId!);
    if (active !== null) return;
    const { status } = await this.subscriptions.get(subscriptionId, { em });
    throw new SubscriptionMovedOn(subscriptionId, status);
  }

  /** The subscription stays claimed: its owners may try again until it is written off. The graph gives its place back. */
  protected override async afterFailureOrCancel(
    em: EntityManager,
    { subscriptionId }: ProvisionGraphPayload,
    { id, graphId, error, cancelReason }: Operation,
  ): Promise<void> {
    await this.graphs.failCreation(em, graphId!);
    const reason = error ?? { code: 'cancelled', message: cancelReason ?? 'Cancelled' };
    await this.subscriptions.noteFailure(em, subscriptionId, reason, id);
  }

  /** One of two that try again takes the subscription over; where it has moved on neither does. */
  protected override async beforeRetry(
    em: EntityManager,
    { subscriptionId }: ProvisionGraphPayload,
    { id, retryOf, graphId }: Operation,
  ): Promise<void> {
    if ((await this.subscriptions.reclaim(em, subscriptionId, retryOf!, id)) === null) {
      const { status } = await this.subscriptions.get(subscriptionId, { em });
      throw new SubscriptionMovedOn(subscriptionId, status);
    }
    await this.graphs.reopenCreation(em, graphId!, id);
  }
}
