import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull, Not, type QueryDeepPartialEntity } from 'typeorm';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { TellProvider } from './billing.operations';
import { type ResourceType, Subscription } from './subscription.entity';
import { RENEWING, type SubscriptionChange, transitionOf } from './subscription-transitions';

type Changes = Partial<Omit<Subscription, 'id' | 'status' | 'updatedAt'>>;

/** In a statement about `subscription`: what counts now of its end and its plan. */
const DECIDED = `case when subscription.ends_at is null then 'plan ' || subscription.plan_name
  else 'end ' || to_char(subscription.ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS') end`;

/** Rows of subscriptions. Their status changes by {@link change} alone. */
@Injectable()
export class SubscriptionsRepository {
  constructor(
    private readonly transactor: Transactor,
    private readonly clock: Clock,
  ) {}

  async insert(em: EntityManager, subscription: Subscription): Promise<void> {
    await em.insert(Subscription, subscription as QueryDeepPartialEntity<Subscription>);
  }

  find(id: string, em: EntityManager = this.transactor.em): Promise<Subscription | null> {
    return em.findOneBy(Subscription, { id });
  }

  /** Locked until the caller's transaction ends, so that what is decided by it holds. */
  findLocked(em: EntityManager, id: string): Promise<Subscription | null> {
    return em.findOne(Subscription, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  findBySession(sessionId: string): Promise<Subscription | null> {
    return this.transactor.em.findOneBy(Subscription, { sessionId });
  }

  findByProvider(em: EntityManager, providerSubscriptionId: string): Promise<Subscription | null> {
    return em.findOneBy(Subscription, { providerSubscriptionId });
  }

  /** The live one of a resource, else the one that ended last. */
  async findOfResource(orgId: string, resourceType: ResourceType, resourceId: string): Promise<Subscription | null> {
    const found = await this.transactor.em.findBy(Subscription, { orgId, resourceType, resourceId });
    const ended = ({ status }: Subscription) => status === 'canceled' || status === 'failed';
    return found.sort((a, b) => Number(ended(a)) - Number(ended(b)) || +b.createdAt - +a.createdAt)[0] ?? null;
  }

  /** Those by which a graph is paid for now; one at most, but for rows from before that was so. */
  async liveOfGraph(em: EntityManager, graphId: string): Promise<string[]> {
    const rows = await em.query<{ id: string }[]>(
      `select id from subscription where resource_type = 'graph' and resource_id = $1
         and status not in ('canceled', 'failed')`,
      [graphId],
    );
    return rows.map(({ id }) => id);
  }

  /** Newest first. */
  list(orgId: string): Promise<Subscription[]> {
    return this.transactor.em.find(Subscription, { where: { orgId }, order: { createdAt: 'DESC', id: 'ASC' } });
  }

  /** One whose period is over, and that no other process has in hand; locked. */
  async takeRenewable(em: EntityManager, provider: string, now: Date): Promise<Subscription | null> {
    const [due] = await em.query<{ id: string }[]>(
      `select id from subscription where provider = $1 and status = any ($3)
         and current_period_end <= $2 order by current_period_end limit 1 for update skip locked`,
      [provider, now, RENEWING],
    );
    return due === undefined ? null : this.find(due.id, em);
  }

  /** Those by which something is to be given back, the oldest first, and how many cents came by each. */
  async refundsDue(limit: number): Promise<(Subscription & { amountPaid: number })[]> {
    const due = await this.transactor.em.find(Subscription, {
      where: { refundDueAt: Not(IsNull()), refundedAt: IsNull() },
      order: { refundDueAt: 'ASC', id: 'ASC' },
      take: limit,
    });
    const sums = await this.transactor.em.query<{ id: string; paid: number }[]>(
      `select subscription_id as id, sum(amount_paid)::float8 as paid from invoice
       where subscription_id = any ($1) and status = 'paid' group by 1`,
      [due.map(({ id }) => id)],
    );
    const paid = new Map(sums.map((sum) => [sum.id, sum.paid]));
    return due.map((one) => ({ ...one, amountPaid: paid.get(one.id) ?? 0 }));
  }

  /** False where that is noted already. */
  async noteRefundDue(em: EntityManager, id: string): Promise<boolean> {
    const { affected } = await em.update(
      Subscription,
      { id, refundDueAt: IsNull() },
      { refundDueAt: this.clock.now() },
    );
    return affected === 1;
  }

  /** False where nothing is to be given back (any more). */
  async noteRefunded(em: EntityManager, id: string): Promise<boolean> {
    const { affected } = await em.update(
      Subscription,
      { id, refundDueAt: Not(IsNull()), refundedAt: IsNull() },
      { refundedAt: this.clock.now() },
    );
    return affected === 1;
  }

  /** False where news that were sent later are known already. */
  async noteNews(em: EntityManager, id: string, sentAt: Date): Promise<boolean> {
    const [, changed] = await em.query<[object[], number]>(
      `update subscription set provider_news_at = $2
       where id = $1 and (provider_news_at is null or provider_news_at <= $2)`,
      [id, sentAt],
    );
    return changed === 1;
  }

  /** Subscriptions whose end or plan, see {@link decidedOf}, is another one than the provider was told last. */
  notTold(provider: string): Promise<{ id: string; orgId: string }[]> {
    return this.transactor.em.query(
      `select id, org_id as "orgId" from subscription where provider = $1 and provider_subscription_id is not null
         and ${DECIDED} is distinct from provider_told order by id limit 100`,
      [provider],
    );
  }

  /** What the provider has to know of a subscription, in a word: `plan ...`, or `end ...` with the time. */
  async decidedOf(id: string, em: EntityManager = this.transactor.em): Promise<string> {
    const [{ decided }] = await em.query<{ decided: string }[]>(
      `select ${DECIDED} as decided from subscription where id = $1`,
      [id],
    );
    return decided;
  }

  /** Whether the last try to tell the provider what is decided now has failed. */
  async wasGivenUp(em: EntityManager, id: string): Promise<boolean> {
    const [last] = await em.query<{ failed: boolean }[]>(
      `select o.status <> 'completed' and o.payload ->> 'decided' = ${DECIDED} as failed
       from operation o join subscription on subscription.id = $1
       where o.type = '${TellProvider.name}' and o.payload ->> 'subscriptionId' = $1::text
         and o.status not in ('pending', 'running')
       order by o.created_at desc, o.id desc limit 1`,
      [id],
    );
    return last?.failed ?? false;
  }

  /** Changes everything but the status. */
  async update(em: EntityManager, id: string, changes: Changes): Promise<void> {
    const set = { ...changes, updatedAt: this.clock.now() };
    await em.update(Subscription, { id }, set as QueryDeepPartialEntity<Subscription>);
  }

  /**
   * Makes a change of the table of transitions, in one conditional update; the subscription after it, or null where its
   * status did not allow it. `only` names further values that the row must still have.
   */
  async change(
    em: EntityManager,
    id: string,
    change: SubscriptionChange,
    set: Changes = {},
    only: { provisioningOperationId?: string } = {},
  ): Promise<Subscription | null> {
    const { from, to, provisioned } = transitionOf(change);
    const { affected } = await em.update(
      Subscription,
      {
        id,
        status: In([...from]),
        ...only,
        ...(provisioned === undefined ? {} : { resourceId: provisioned ? Not(IsNull()) : IsNull() }),
      },
      { ...set, status: to, updatedAt: this.clock.now() } as QueryDeepPartialEntity<Subscription>,
    );
    return affected === 1 ? this.find(id, em) : null;
  }
}
