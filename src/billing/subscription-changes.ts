import { Injectable } from '@nestjs/common';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { OrgsService } from '../orgs/orgs.service';
import { NothingToChange, OwnersOnly, SubscriptionNotChangeable, SubscriptionNotFound } from './billing.errors';
import { Fulfilments } from './fulfilment';
import { Plans } from './plans';
import type { Subscription } from './subscription.entity';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/** What owners decide: another plan, or the end. */
@Injectable()
export class SubscriptionChanges {
  constructor(
    private readonly transactor: Transactor,
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly fulfilments: Fulfilments,
    private readonly orgs: OrgsService,
    private readonly plans: Plans,
    private readonly clock: Clock,
  ) {}

  /**
   * Ends a subscription: at once, or when the period ends that was paid for; one that was never provisioned ends at
   * once. Ended twice, the second one changes nothing but may bring the end forward. Throws `SubscriptionNotFound`.
   */
  cancel(actor: Actor, orgId: string, id: string, { immediately }: { immediately: boolean }): Promise<Subscription> {
    return this.transactor.run(async (em) => {
      await this.subscriptions.get(id, { em, orgId });
      const { status, resourceId, currentPeriodEnd, endsAt } = (await this.rows.findLocked(em, id)) as Subscription;
      const now = this.clock.now();
      const end = immediately || resourceId === null || currentPeriodEnd === null ? now : currentPeriodEnd;
      if (status === 'canceled' && endsAt !== null && endsAt <= end) return this.subscriptions.get(id, { em });
      const details = { was: status };
      const canceled = await this.subscriptions.cancel(em, id, { endsAt: end, details, actor });
      if (canceled !== null) return canceled;
      await this.rows.update(em, id, { endsAt: end });
      const earlier = await this.subscriptions.get(id, { em });
      const sooner = { ends_at: end.toISOString(), ...details };
      await this.subscriptions.record(em, 'subscription.canceled', earlier, sooner, 'success', actor);
      return earlier;
    });
  }

  /**
   * Begins moving a graph to another plan, which the platform does by an operation. Throws {@link OwnersOnly},
   * `SubscriptionNotFound`, `PlanNotFound`, {@link NothingToChange}, {@link SubscriptionNotChangeable}.
   */
  async changePlan(
    actor: Actor,
    graph: { id: string; orgId: string },
    planName: string,
  ): Promise<{ subscription: Subscription; operationId: string }> {
    const { role } = await this.orgs.view(actor, graph.orgId);
    if (role !== 'owner') throw new OwnersOnly();
    const plan = this.plans.get(planName);
    const found = await this.subscriptions.findOfResource(graph.orgId, 'graph', graph.id);
    if (found === null) throw new SubscriptionNotFound();
    if (found.planName === plan.name) throw new NothingToChange(plan.name);
    return this.transactor.run(async (em) => {
      const subscription = await this.rows.change(em, found.id, 'change_begun');
      if (subscription === null)
        throw new SubscriptionNotChangeable((await this.subscriptions.get(found.id, { em })).status);
      const { operationId } = await this.fulfilments.get().changePlan(em, subscription, plan.name, actor);
      const details = { from: found.planName, to: plan.name, operation_id: operationId };
      await this.subscriptions.record(em, 'subscription.change_begun', subscription, details, 'success', actor);
      return { subscription, operationId };
    });
  }
}
