import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AuditActor, AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { UUID } from '../common/ids';
import type { ErrorBody } from '../common/problem';
import { SubscriptionNotFound } from './billing.errors';
import { nextMonth } from './billing-period';
import { InvoicesRepository } from './invoices.repository';
import type { ResourceType, Subscription } from './subscription.entity';
import { SubscriptionsRepository } from './subscriptions.repository';

/** `never_made`: given up. `canceled`: before it was made. `after_end`: it came when the order was canceled or given up. */
export type RefundReason = 'never_made' | 'canceled' | 'after_end';

export interface Cancellation {
  /** From then on what it is for may not be used. */
  endsAt: Date;
  details?: Record<string, unknown>;
  outcome?: 'success' | 'failure';
  actor?: AuditActor | null;
}

/**
 * Subscriptions, for those who make what they pay for. Each change is one conditional update with its audit row, in the
 * caller's transaction; it gives null where the subscription has moved on, and then has done nothing.
 */
@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly subscriptions: SubscriptionsRepository,
    private readonly invoices: InvoicesRepository,
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
    if (changed !== null) await this.oweRefund(em, changed, 'never_made');
    return changed;
  }

  /** It ends at `endsAt`; nothing more is asked for, and what was paid for and never made is to be given back. */
  async cancel(
    em: EntityManager,
    id: string,
    { endsAt, details, outcome, actor }: Cancellation,
  ): Promise<Subscription | null> {
    const canceled = await this.subscriptions.change(em, id, 'canceled', { canceledAt: this.clock.now(), endsAt });
    if (canceled === null) return null;
    const end = { ends_at: endsAt.toISOString(), ...details };
    await this.record(em, 'subscription.canceled', canceled, end, outcome, actor);
    for (const target of await this.invoices.voidOpen(em, id)) {
      const { orgId } = canceled;
      await this.audit.record(em, {
        actor: actor ?? null,
        action: 'invoice.voided',
        target,
        orgId,
        details: { subscription_id: id },
      });
    }
    if (canceled.claimedAt !== null && canceled.resourceId === null) await this.oweRefund(em, canceled, 'canceled');
    return canceled;
  }

  /** Something was paid for which nothing is there, nor will be. It is noted once, for operators. */
  async oweRefund(em: EntityManager, subscription: Subscription, reason: RefundReason): Promise<void> {
    if (!(await this.subscriptions.noteRefundDue(em, subscription.id))) return;
    await this.record(em, 'payment.refund_due', subscription, { reason }, 'failure');
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
