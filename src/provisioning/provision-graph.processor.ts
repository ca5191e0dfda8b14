import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { FirstGeneration } from '../graphs/first-generation';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { ClaimedSubscriptions } from './claimed-subscriptions';
import { ProvisionGraph, type ProvisionGraphPayload } from './provisioning.operations';

/** Subscription -> graph. The graph goes live and its subscription becomes active in one transaction, or neither does. */
@Injectable()
@HandlesOperation(ProvisionGraph)
export class ProvisionGraphProcessor extends OperationProcessor<typeof ProvisionGraph> {
  constructor(
    private readonly claimed: ClaimedSubscriptions,
    private readonly graphs: GraphsService,
    private readonly first: FirstGeneration,
  ) {
    super();
  }

  async run({ subscriptionId }: ProvisionGraphPayload, ctx: OperationContext): Promise<object> {
    ctx.progress(10, 'Checking the subscription');
    await this.claimed.require(subscriptionId);
    return this.first.build(ctx, {
      percents: [30, 70],
      also: (em) => this.claimed.activate(em, subscriptionId, ctx.operationId, ctx.graphId!),
    });
  }

  /** The graph gives its place back. */
  protected override async afterFailureOrCancel(
    em: EntityManager,
    { subscriptionId }: ProvisionGraphPayload,
    ended: Operation,
  ): Promise<void> {
    await this.graphs.failCreation(em, ended.graphId!);
    await this.claimed.noteFailure(em, subscriptionId, ended);
  }

  protected override async beforeRetry(
    em: EntityManager,
    { subscriptionId }: ProvisionGraphPayload,
    retry: Operation,
  ): Promise<void> {
    await this.claimed.reclaim(em, subscriptionId, retry);
    await this.graphs.reopenCreation(em, retry.graphId!, retry.id);
  }
}
