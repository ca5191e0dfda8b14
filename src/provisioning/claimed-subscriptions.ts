import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Subscription } from '../billing/subscription.entity';
import { SubscriptionsService } from '../billing/subscriptions.service';
import type { Operation } from '../operations/operation.entity';
import { SubscriptionMovedOn } from './provisioning.errors';

/** Subscriptions that the operation which makes what they pay for has claimed, whatever that is. */
@Injectable()
export class ClaimedSubscriptions {
  constructor(private readonly subscriptions: SubscriptionsService) {}

  /** Throws {@link SubscriptionMovedOn} for one that is not, or no longer, being provisioned. */
  async require(id: string): Promise<Subscription> {
    const found = await this.subscriptions.get(id);
    if (found.status !== 'provisioning') throw new SubscriptionMovedOn(id, found.status);
    return found;
  }

  /** What it pays for is there. Throws {@link SubscriptionMovedOn} where the operation has lost its claim. */
  async activate(em: EntityManager, id: string, operationId: string, resourceId: string): Promise<void> {
    if ((await this.subscriptions.activate(em, id, operationId, resourceId)) === null) throw await this.movedOn(em, id);
  }

  /** The operation failed or was cancelled. The claim stays: its owners may try again until it is written off. */
  async noteFailure(em: EntityManager, id: string, { id: operationId, error, cancelReason }: Operation): Promise<void> {
    const reason = error ?? { code: 'cancelled', message: cancelReason ?? 'Cancelled' };
    await this.subscriptions.noteFailure(em, id, reason, operationId);
  }

  /** One of two that try again takes it over. Throws {@link SubscriptionMovedOn} for the other, and where it has ended. */
  async reclaim(em: EntityManager, id: string, retry: Operation): Promise<void> {
    if ((await this.subscriptions.reclaim(em, id, retry.retryOf!, retry.id)) === null) throw await this.movedOn(em, id);
  }

  private async movedOn(em: EntityManager, id: string): Promise<SubscriptionMovedOn> {
    return new SubscriptionMovedOn(id, (await this.subscriptions.get(id, { em })).status);
  }
}
