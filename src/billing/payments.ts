import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AuditActor } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { Fulfilments } from './fulfilment';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/** What follows from money that came. */
@Injectable()
export class Payments {
  constructor(
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly fulfilments: Fulfilments,
    private readonly clock: Clock,
  ) {}

  /**
   * The first payment claims the subscription and begins making what it is for; a later one ends a `past_due`. However
   * often and by however many at once it is called, one operation begins: the claim is a conditional update in the
   * caller's transaction. What was paid for and is there, or is being made, stays as it is.
   */
  async received(em: EntityManager, subscriptionId: string, actor: AuditActor | null): Promise<void> {
    const claimed = await this.rows.change(em, subscriptionId, 'paid', {
      claimedAt: this.clock.now(),
      lastProvisioningError: null,
    });
    if (claimed === null) {
      const recovered = await this.rows.change(em, subscriptionId, 'recovered');
      if (recovered === null) return this.noteVain(em, subscriptionId);
      return this.subscriptions.record(em, 'subscription.resumed', recovered, {}, 'success', actor);
    }
    const { operationId } = await this.fulfilments.get().begin(em, claimed, actor);
    await this.rows.update(em, subscriptionId, { provisioningOperationId: operationId });
    const details = { operation_id: operationId };
    await this.subscriptions.record(em, 'subscription.paid', claimed, details, 'success', actor);
  }

  /**
   * An order that was cancelled or given up before it was made makes nothing. The provider is told of the end, so that nothing
   * more is collected; what came is for an operator to give back.
   */
  private async noteVain(em: EntityManager, subscriptionId: string): Promise<void> {
    const subscription = await this.subscriptions.get(subscriptionId, { em });
    const ended = subscription.status === 'canceled' || subscription.status === 'failed';
    if (ended && subscription.resourceId === null) await this.subscriptions.oweRefund(em, subscription, 'after_end');
  }
}
