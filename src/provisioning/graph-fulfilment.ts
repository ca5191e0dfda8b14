import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AuditActor, AuditService } from '../audit/audit.service';
import { type Fulfilment, Fulfilments } from '../billing/fulfilment';
import type { Subscription } from '../billing/subscription.entity';
import { SubscriptionsService } from '../billing/subscriptions.service';
import { Ids } from '../common/ids';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import type { Tier } from '../limits/tiers';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { composeSchema } from '../schemas/compose-schema';
import { NotStalled } from './provisioning.errors';
import { ProvisionGraph, ProvisionRepository } from './provisioning.operations';
import { ProvisioningService } from './provisioning.service';

/** What an order says of the graph, see `billing/dto/checkout.dto.ts`, which has checked it. */
interface Ordered {
  graph_name?: string;
  description?: string | null;
  schema_extensions?: string[];
  custom_schema?: object | null;
  tags?: string[];
}

/**
 * Makes what subscriptions pay for. A graph is registered in the transaction that claims its subscription, so that there is
 * one however often it was paid and whatever dies afterwards; every later attempt goes on with that one.
 */
@Injectable()
export class GraphFulfilment implements Fulfilment, OnModuleInit {
  constructor(
    private readonly fulfilments: Fulfilments,
    private readonly subscriptions: SubscriptionsService,
    private readonly provisioning: ProvisioningService,
    private readonly graphs: GraphsService,
    private readonly operations: OperationsService,
    private readonly audit: AuditService,
    private readonly transactor: Transactor,
    private readonly ids: Ids,
  ) {}

  onModuleInit(): void {
    this.fulfilments.provide(this);
  }

  async begin(
    em: EntityManager,
    subscription: Subscription,
    actor: AuditActor | null,
  ): Promise<{ operationId: string }> {
    const { id: subscriptionId, orgId, planName: tier, createdBy } = subscription;
    if (subscription.resourceType === 'repository') return this.beginReading(em, subscription);
    const ordered = subscription.metadata as Ordered;
    const name = ordered.graph_name ?? `Graph ${subscriptionId.slice(0, 8)}`;
    const graphId = this.ids.graph();
    // Whoever ordered it watches it being made and becomes its admin.
    const owner = createdBy === null ? null : { userId: createdBy };
    const graph = {
      id: graphId,
      orgId,
      name,
      description: ordered.description ?? null,
      tags: ordered.tags ?? [],
      tier,
      schema: composeSchema({ custom: ordered.custom_schema, extensions: ordered.schema_extensions, name }),
    };
    const operation = await this.graphs.beginCreation(em, owner, graph, (waiting) =>
      this.operations.begin(em, ProvisionGraph, {
        actor: owner,
        orgId,
        graphId,
        payload: { subscriptionId },
        ...waiting,
      }),
    );
    const details = { operation_id: operation.id, subscription_id: subscriptionId };
    await this.audit.record(em, { actor, action: 'graph.provisioning_requested', target: graphId, orgId, details });
    return { operationId: operation.id };
  }

  private async beginReading(
    em: EntityManager,
    { id: subscriptionId, orgId, createdBy }: Subscription,
  ): Promise<{ operationId: string }> {
    const actor = createdBy === null ? null : { userId: createdBy };
    const payload = { subscriptionId };
    const operation = await this.operations.begin(em, ProvisionRepository, { actor, orgId, graphId: null, payload });
    return { operationId: operation.id };
  }

  async changePlan(
    em: EntityManager,
    { id, resourceId }: Subscription,
    planName: string,
    actor: AuditActor | null,
  ): Promise<{ operationId: string }> {
    const by = actor?.userId ? { ...actor, userId: actor.userId } : null;
    const operation = await this.provisioning.beginTierChange(em, by, resourceId!, planName as Tier, id);
    return { operationId: operation.id };
  }

  /**
   * Tries once more to make what was paid for, after that failed. Throws {@link NotStalled} while it is being made, or is
   * there, or was given up, and `SubscriptionNotFound`.
   */
  tryAgain(actor: AuditActor & { userId: string }, orgId: string, subscriptionId: string): Promise<Operation> {
    return this.transactor.run(async (em) => {
      const { status, provisioningOperationId } = await this.subscriptions.get(subscriptionId, { em, orgId });
      if (status !== 'provisioning' || provisioningOperationId === null) throw new NotStalled(status, null);
      const last = await this.operations.get(provisioningOperationId);
      if (last.status !== 'failed' && last.status !== 'cancelled') throw new NotStalled(status, last.id);
      const retry = await this.operations.beginAgain(em, last);
      const details = { operation_id: retry.id, after: last.id };
      const action = 'subscription.provisioning_retried';
      await this.audit.record(em, { actor, action, target: subscriptionId, orgId, details });
      return retry;
    });
  }
}
