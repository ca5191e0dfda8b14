import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AuditActor } from '../audit/audit.service';
import { Transactor } from '../database/transactor';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { TellProvider } from './billing.operations';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

type By = (AuditActor & { userId: string }) | null;

/** Begins telling the provider what was decided about subscriptions; of one subscription once at a time. */
@Injectable()
export class ProviderNews {
  constructor(
    private readonly transactor: Transactor,
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly operations: OperationsService,
  ) {}

  /** Also what failed before, or is known to the provider. Throws `SubscriptionNotFound`, `OperationConflict`. */
  async request(actor: By, subscriptionId: string): Promise<Operation> {
    const { orgId } = await this.subscriptions.get(subscriptionId);
    return this.transactor.run((em) => this.begin(em, actor, { id: subscriptionId, orgId }));
  }

  /** Where the last try has not failed, which is an operator's to look at. Throws `OperationConflict`. */
  async beginDue(subscription: { id: string; orgId: string }): Promise<void> {
    await this.transactor.run(async (em) => {
      if (await this.rows.wasGivenUp(em, subscription.id)) return;
      await this.begin(em, null, subscription);
    });
  }

  private async begin(em: EntityManager, actor: By, { id, orgId }: { id: string; orgId: string }): Promise<Operation> {
    return this.operations.begin(em, TellProvider, {
      actor,
      orgId,
      graphId: null,
      payload: { subscriptionId: id, decided: await this.rows.decidedOf(id, em) },
    });
  }
}
