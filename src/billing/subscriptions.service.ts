import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AuditActor, AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { UUID } from '../common/ids';
import type { ErrorBody } from '../common/problem';
import { SubscriptionNotFound } from './billing.errors';
import { nextMonth } from './billing-period';
import type { ResourceType, Subscription } from './subscription.entity';
import { SubscriptionsRepository } from './subscriptions.repository';

/**
 * Subscriptions, for those who make what they pay for. Each change is one conditional update with its audit row, in the
 * caller's transaction; it gives null where the subscription has moved on, and then has done nothing.
 */
@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly subscriptions: SubscriptionsRepository,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /** Throws {@link SubscriptionNotFound}, also for one of another organisation than `orgId`. */
  async get(id: string, { em, orgId }: { em?: EntityManager; orgId?: string } = {}): Promise<Subscription> {
    const found = UUID.test(id) ? await this.subscriptions.find(id, em) : null;
    if (found === null || (orgId !== undefined && found.orgId !== orgId)) throw new SubscriptionNotFound();
    return found;
  }

  /** The live one, else the one that ended last; null where there was none. */
  findOfResource(orgId: string, type: ResourceType, resourceId: string): Promise<Subscription | null> {
    return this.subscriptions.findOfResource(orgId, type, resourceId);
  }

  /** Newest first. */
  list(orgId: string): Promise<Subscription[]> {
    return this.subscriptions.list(orgId);
  }

  /** Notes what is being made, before all of it is; a later attempt finds it in `resourceId`. */
  async nameResource(em: EntityManager, id: string, resourceId: string): Promise<void> {
    await this.subscriptions.update(em, id, { resourceId });
  }

  /** What was paid for is there: it can be used, and its first period begins. */
  async activate(em: EntityManager, id: string, operationId: string, resourceId: string): Promise<Subscription | null> {
    const now = this.clock.now();
    const changed = await this.subscriptions.change(
      em,
      id,
      'activated',
      {
        resourceId,
        startedAt: now,
        lastProvisioningError: null,
        ...(await this.firstPeriod(em, id, now)),
      },
      { provisioningOperationId: operationId },
    );
    await this.record(em, 'subscription.activated', changed, { operation_id: operationId, resource_id: resourceId });
    return changed;
  }

  /** Making it failed, and may be tried again: the status stays. */
  async noteFailure(em: EntityManager, id: string, error: ErrorBody, operationId: string): Promise<void> {
    await this.subscriptions.update(em, id, { lastProvisioningError: error });
    const details = { operation_id: operationId, code: error.code };
    await this.record(
      em,
      'subscription.provisioning_failed',
      await this.subscriptions.find(id, em),
      details,
      'failure',
    );
  }

  /** Another operation takes over from one that is dead. */
  async reclaim(em: EntityManager, id: string, dead: string, operationId: string): Promise<Subscription | null> {
    const changed = await this.subscriptions.change(
      em,
      id,
      'reclaimed',
      { provisioningOperationId: operationId, claimedAt: this.clock.now() },
      { provisioningOperationId: dead },
    );
    await this.record(em, 'subscription.provisioning_resumed', changed, { operation_id: operationId, after: dead });
    return changed;
  }

  /** It is given up for good; nothing may be used or charged from now on. */
  async writeOff(em: EntityManager, id: string, operationId: string, error: ErrorBody): Promise<Subscription | null> {
    const changed = await this.subscriptions.change(
      em,
      id,
      'provisioning_failed',
      { lastProvisioningError: error, endsAt: this.clock.now() },
      { provisioningOperationId: operationId },
    );
    await this.record(em, 'subscription.failed', changed, { operation_id: operationId, code: error.code }, 'failure');
    return changed;
  }

  /** The end of an `upgrading`: with the new plan and its price, or with null as it was. */
  async endChange(
    em: EntityManager,
    id: string,
    plan: { planName: string; basePriceCents: number } | null,
    operationId: string,
  ): Promise<Subscription | null> {
    const changed = await this.subscriptions.change(em, id, 'change_ended', plan ?? {});
    const action = plan === null ? 'subscription.change_failed' : 'subscription.plan_changed';
    const details = { operation_id: operationId, plan: changed?.planName };
    await this.record(em, action, changed, details, plan === null ? 'failure' : 'success');
    return changed;
  }

  /** A row of what happened to a subscription; none where nothing did. */
  async record(
    em: EntityManager,
    action: string,
    subscription: Subscription | null,
    details: Record<string, unknown>,
    outcome: 'success' | 'failure' = 'success',
    actor: AuditActor | null = null,
  ): Promise<void> {
    if (subscription === null) return;
    const { id: target, orgId } = subscription;
    await this.audit.record(em, { actor, action, target, orgId, details, outcome });
  }

  /** From a provider that has told, the period is kept. */
  private async firstPeriod(em: EntityManager, id: string, now: Date): Promise<Partial<Subscription>> {
    const known = await this.subscriptions.find(id, em);
    if (known?.currentPeriodEnd != null) return {};
    return { currentPeriodStart: now, currentPeriodEnd: nextMonth(now) };
  }
}
