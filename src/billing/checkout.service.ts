import { Injectable } from '@nestjs/common';
import type { Actor } from '../auth/actor';
import { orgRoleCovers } from '../auth/roles';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { errorBodyOf } from '../common/problem';
import { Transactor } from '../database/transactor';
import { OrgsService } from '../orgs/orgs.service';
import { AlreadyGranted } from '../repositories/repositories.errors';
import { RepositoriesService } from '../repositories/repositories.service';
import { composeSchema } from '../schemas/compose-schema';
import { BillingConfig } from './billing.config';
import { CheckoutNotFound, NotOffered, PayingOrgNeeded } from './billing.errors';
import { BillingCustomersRepository } from './billing-customers.repository';
import { BillingProvider } from './billing-provider';
import { nextMonth } from './billing-period';
import type { CreateCheckoutDto } from './dto/checkout.dto';
import { Fulfilments } from './fulfilment';
import { InvoicesService } from './invoices.service';
import { Plans } from './plans';
import { MANUAL, type Subscription } from './subscription.entity';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/** An order, and where it can be paid; no such page where an invoice is sent. */
export interface Ordered {
  subscription: Subscription;
  sessionId: string;
  url: string | null;
}

/** A plan, and what is kept of the order to make it. */
interface Wanted {
  plan: { name: string; priceCents: number };
  config: Record<string, unknown>;
}

/** Ordering something: the order and its first invoice are one transaction, and nothing is made before it is paid. */
@Injectable()
export class CheckoutService {
  constructor(
    private readonly transactor: Transactor,
    private readonly orgs: OrgsService,
    private readonly customers: BillingCustomersRepository,
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly invoices: InvoicesService,
    private readonly fulfilments: Fulfilments,
    private readonly provider: BillingProvider,
    private readonly config: BillingConfig,
    private readonly plans: Plans,
    private readonly repositories: RepositoriesService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Orders, as an owner or admin of the organisation that pays. What cannot be made is refused here, before anybody
   * pays for it. Throws {@link NotOffered}, `PlanNotFound`, {@link PayingOrgNeeded}, `GraphLimitReached`, what is wrong
   * with the schema, or what `RepositoriesService.requireOrderable` throws.
   */
  async order(actor: Actor, request: CreateCheckoutDto): Promise<Ordered> {
    const subscription = await this.insert(actor, request);
    const customer = await this.customers.find(subscription.orgId);
    const session = await this.openSession(actor, subscription, customer?.providerCustomerId ?? null);
    return { subscription, ...session };
  }

  private async insert(actor: Actor, request: CreateCheckoutDto): Promise<Subscription> {
    // Nothing is sold that nobody can make.
    this.fulfilments.get();
    const { resource_type: resourceType, resource_config: wanted } = request;
    const orgId = await this.payingOrg(actor, wanted.org_id);
    const { plan, config } =
      resourceType === 'graph'
        ? this.graphOrder(request)
        : await this.repositoryOrder(request.plan_name, wanted.repository, orgId);
    const now = this.clock.now();
    const id = this.ids.uuid();
    return this.transactor.run(async (em) => {
      if (resourceType === 'graph') await this.orgs.requireRoomForGraph(em, orgId);
      await this.customers.ensure(em, orgId, this.config.provider);
      const subscription: Subscription = {
        id,
        orgId,
        resourceType,
        resourceId: null,
        planName: plan.name,
        status: 'pending_payment',
        basePriceCents: plan.priceCents,
        currency: this.plans.currency,
        billingInterval: 'monthly',
        currentPeriodStart: null,
        currentPeriodEnd: null,
        startedAt: null,
        provider: this.config.provider,
        providerSubscriptionId: null,
        providerTold: `plan ${plan.name}`,
        sessionId: null,
        provisioningOperationId: null,
        claimedAt: null,
        lastProvisioningError: null,
        canceledAt: null,
        endsAt: null,
        refundDueAt: null,
        refundedAt: null,
        metadata: config,
        createdBy: actor.userId,
        createdAt: now,
        updatedAt: now,
      };
      await this.rows.insert(em, subscription);
      await this.subscriptions.record(em, 'subscription.created', subscription, { plan: plan.name }, 'success', actor);
      if (subscription.provider === MANUAL)
        await this.invoices.issue(em, subscription, { from: now, to: nextMonth(now) }, actor);
      return subscription;
    });
  }

  private graphOrder({ plan_name, resource_config }: CreateCheckoutDto): Wanted {
    const { org_id: _, repository: none, ...config } = resource_config;
    if (none !== undefined) throw new NotOffered();
    const { custom_schema: custom, schema_extensions: extensions, graph_name: name } = config;
    composeSchema({ custom, extensions, name: name ?? 'graph' });
    return { plan: this.plans.get(plan_name), config: { ...config } };
  }

  private async repositoryOrder(planName: string, name: string | undefined, orgId: string): Promise<Wanted> {
    if (name === undefined) throw new NotOffered();
    const { repository, plan } = await this.repositories.requireOrderable(name, planName, orgId);
    const beingGranted = (await this.rows.list(orgId)).some(
      (one) =>
        one.status === 'provisioning' &&
        one.lastProvisioningError === null &&
        one.metadata.repository === repository.name,
    );
    if (beingGranted) throw new AlreadyGranted(repository.name);
    const config = {
      repository: repository.name,
      plan_display_name: plan.displayName,
      monthly_credits: plan.monthlyCredits,
    };
    return { plan: { name: plan.name, priceCents: plan.priceCents }, config };
  }

  /** By the session of the order. Throws {@link CheckoutNotFound}, also for those of others. */
  async status(actor: Actor, sessionId: string): Promise<Subscription> {
    const found = await this.rows.findBySession(sessionId);
    if (found === null || !(await this.payingOrgs(actor)).includes(found.orgId)) throw new CheckoutNotFound();
    return found;
  }

  /** An order that the provider does not take is none. */
  private async openSession(
    actor: Actor,
    subscription: Subscription,
    customerId: string | null,
  ): Promise<Omit<Ordered, 'subscription'>> {
    const { id } = subscription;
    try {
      const { sessionId, url } = await this.provider.createCheckout({ subscription, customerId });
      await this.rows.update(this.transactor.em, id, { sessionId });
      return { sessionId, url };
    } catch (error) {
      await this.transactor.run(async (em) => {
        const now = this.clock.now();
        const details = { reason: errorBodyOf(error).code };
        await this.subscriptions.cancel(em, id, { endsAt: now, details, outcome: 'failure', actor });
      });
      throw error;
    }
  }

  private async payingOrg(actor: Actor, wanted: string | undefined): Promise<string> {
    const orgs = await this.payingOrgs(actor);
    const found = wanted === undefined && orgs.length === 1 ? orgs[0] : orgs.find((id) => id === wanted);
    if (found === undefined) throw new PayingOrgNeeded(orgs.length);
    return found;
  }

  private async payingOrgs(actor: Actor): Promise<string[]> {
    const orgs = await this.orgs.list(actor);
    return orgs.filter(({ role }) => orgRoleCovers(role, 'admin')).map(({ id }) => id);
  }
}
