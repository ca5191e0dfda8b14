import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import type { Fulfilment } from './fulfilment';
import { Fulfilments } from './fulfilment';
import { RenewalsSensor } from './renewals.sensor';
import { SubscriptionsService } from './subscriptions.service';
import { Transactor } from '../database/transactor';

type Body = Record<string, unknown>;
const ORDER = { plan_name: 'ladybug-large', resource_type: 'graph', resource_config: { graph_name: 'Paid' } };
const SECRET_SCHEMA = { nodes: [{ name: 'no key', properties: [] }] };

/** Two processes on one database. What is paid for is not made here: the test stands in for those who make it. */
describe('billing', () => {
  let database: TestDatabase;
  let apis: ApiApp[];
  let api: ApiApp;
  let operator: ApiUser;
  let owner: ApiUser;
  let begun: string[];

  beforeAll(async () => {
    database = await testDatabase();
    apis = [await ApiApp.start(database.url), await ApiApp.start(database.url, { BILLING_REQUIRED: 'true' })];
    [api] = apis;
    operator = await api.user();
    await api.sql('update app_user set is_operator = true where id = $1', [operator.id]);
    const maker: Fulfilment = {
      begin: (_, { id }) => {
        begun.push(id);
        return Promise.resolve({ operationId: `op_of_${id}_${begun.length}` });
      },
      changePlan: (_, { id }, plan) => Promise.resolve({ operationId: `change_${id}_${plan}` }),
    };
    for (const one of apis) jest.spyOn(one.get(Fulfilments), 'get').mockReturnValue(maker);
  }, 120_000);
  afterAll(async () => {
    for (const one of apis ?? []) await one.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    begun = [];
    owner = await api.user();
  });

  const call = async (status: number, route: string, body?: object, by = owner): Promise<Body> => {
    const answer = await api.call(route, by, body);
    if (answer.statusCode !== status) throw new Error(`${route}: ${answer.statusCode}: ${answer.body}`);
    return answer.json<Body>();
  };
  const order = () => call(201, 'POST /v1/billing/checkout', ORDER);
  const status = (session: unknown) => call(200, `GET /v1/billing/checkout/${session as string}/status`);
  const invoices = async () => (await call(200, `GET /v1/billing/invoices/${owner.orgId}`)).invoices as Body[];
  const pay = (id: unknown) => call(200, `POST /v1/admin/invoices/${id as string}/pay`, undefined, operator);
  const subscription = (id: unknown) =>
    call(200, `GET /v1/billing/subscriptions/${owner.orgId}/subscription/${id as string}`);
  const cancel = (id: unknown, query = '') =>
    call(200, `POST /v1/billing/subscriptions/${owner.orgId}/subscription/${id as string}/cancel${query}`);
  const audited = async (id: unknown) =>
    (await api.sql<{ action: string }>('select action from audit_event where target = $1 order by id', [id])).map(
      ({ action }) => action,
    );
  const activate = (id: string, operationId: string, graph: string) =>
    api.get(Transactor).run((em) => api.get(SubscriptionsService).activate(em, id, operationId, graph));
  let graphs = 0;
  /** Ordered, paid, and as if the graph had been made. */
  const active = async () => {
    const { subscription_id: id, session_id } = await order();
    await pay((await invoices())[0].id);
    const { operation_id } = await status(session_id);
    graphs += 1;
    const graph = `kg${String(graphs).padStart(20, '0')}`;
    expect(await activate(id as string, operation_id as string, graph)).not.toBeNull();
    return { id: id as string, graph };
  };

  it('says what can be ordered, at which price and with which limits', async () => {
    const [free, required] = await Promise.all(apis.map((one) => one.call('GET /v1/offering', owner)));
    expect(free.json()).toMatchObject({ billing_enabled: false, repository_subscriptions: { repositories: [] } });
    expect(required.json()).toMatchObject({ billing_enabled: true, summary: { total_graph_tiers: 3 } });
    const { tiers } = (await api.call('GET /v1/graphs/tiers', owner)).json<{ tiers: Record<string, unknown>[] }>();
    const offered = free.json<{ graph_subscriptions: { tiers: Record<string, unknown>[] } }>().graph_subscriptions
      .tiers;
    expect(offered.map((one) => [one.name, one.monthly_price_per_graph, one.monthly_credits_per_graph])).toEqual(
      tiers.map((one) => [one.tier, one.monthly_price, one.monthly_credits]),
    );
    expect(offered.map((one) => one.monthly_price_per_graph)).toEqual([49, 199, 499]);
  });

  it('orders, invoices, and makes what was paid for once, however often and by however many it is paid', async () => {
    const { subscription_id: id, session_id, ...rest } = await order();
    expect(rest).toEqual({ checkout_url: null, requires_checkout: false, billing_disabled: false });
    expect(await status(session_id)).toEqual({
      status: 'pending_payment',
      subscription_id: id,
      resource_id: null,
      operation_id: null,
      error: null,
    });
    const [invoice, ...others] = await invoices();
    expect(others).toEqual([]);
    expect(invoice).toMatchObject({ status: 'open', amount_due: 19_900, amount_paid: 0, currency: 'usd' });
    expect(invoice.number).toMatch(/^INV-\d{6}$/);
    expect(begun).toEqual([]);

    const route = `POST /v1/admin/invoices/${invoice.id as string}/pay`;
    const answers = await Promise.all([...apis, ...apis, ...apis].map((one) => one.call(route, operator)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(6).fill(200));
    expect(begun).toEqual([id]);
    expect(await status(session_id)).toMatchObject({ status: 'provisioning', operation_id: `op_of_${id as string}_1` });
    expect((await invoices())[0]).toMatchObject({ status: 'paid', amount_paid: 19_900 });
    expect(await audited(id)).toEqual(['subscription.created', 'subscription.paid']);
    expect(await audited(invoice.id)).toEqual(['invoice.issued', 'invoice.paid']);
  });

  it('leaves an invoice open where what it pays for cannot be begun', async () => {
    await order();
    const [invoice] = await invoices();
    jest.spyOn(api.get(Fulfilments).get(), 'begin').mockRejectedValueOnce(new Error('no'));
    expect((await api.call(`POST /v1/admin/invoices/${invoice.id as string}/pay`, operator)).statusCode).toBe(500);
    expect((await invoices())[0]).toMatchObject({ status: 'open', amount_paid: 0 });
    await pay(invoice.id);
    expect(begun).toHaveLength(1);
  });

  it('lets only the operation that claimed it activate a subscription, and one of two take over from a dead one', async () => {
    const { subscription_id, session_id } = await order();
    const id = subscription_id as string;
    await pay((await invoices())[0].id);
    const { operation_id: dead } = await status(session_id);
    const takeOver = (one: ApiApp, by: string) =>
      one.get(Transactor).run((em) => one.get(SubscriptionsService).reclaim(em, id, dead as string, by));
    const taken = await Promise.all(apis.map((one, n) => takeOver(one, `op_${n}`)));
    expect(taken.filter((found) => found !== null)).toHaveLength(1);
    const winner = taken[0] === null ? 'op_1' : 'op_0';
    expect(await activate(id, dead as string, 'kg1')).toBeNull();
    expect(await activate(id, winner, 'kg1')).toMatchObject({ status: 'active', resourceId: 'kg1' });
    expect(await activate(id, winner, 'kg1')).toBeNull();
  });

  it('lets a subscription end with its period, or at once, and what was never made at once', async () => {
    const { id } = await active();
    const running = await subscription(id);
    const ended = await cancel(id);
    expect(ended).toMatchObject({ status: 'canceled', ends_at: running.current_period_end });
    expect(await cancel(id)).toEqual(ended);
    const sooner = await cancel(id, '?immediately=true');
    expect(new Date(sooner.ends_at as string).getTime()).toBeLessThanOrEqual(Date.now());
    expect(sooner.canceled_at).toBe(ended.canceled_at);

    const { subscription_id: unpaid } = await order();
    expect(await cancel(unpaid)).toMatchObject({ status: 'canceled', resource_id: '' });
    const [invoice] = await invoices();
    expect(invoice.status).toBe('void');
    const late = await api.call(`POST /v1/admin/invoices/${invoice.id as string}/pay`, operator);
    expect([late.statusCode, late.json<Body>().code]).toEqual([409, 'invoice_closed']);
    expect(begun).toEqual([id]);
  });

  it('begins one change of plan at a time', async () => {
    const { id, graph } = await active();
    await api.sql(
      `insert into graph (id, org_id, name, tier, status, schema, tags, created_at, updated_at)
       select $1, $2, 'Paid', 'ladybug-large', 'active', '{}', '{}', now(), now()`,
      [graph, owner.orgId],
    );
    const route = `PATCH /v1/graphs/${graph}/subscriptions`;
    expect((await api.call(route, owner, { new_plan_name: 'ladybug-large' })).json()).toMatchObject({ status: 409 });
    expect((await api.call(route, owner, { new_plan_name: 'neo4j' })).json()).toMatchObject({ code: 'plan_not_found' });
    const plan = 'ladybug-xlarge';
    const answers = await Promise.all(apis.map((one) => one.call(route, owner, { new_plan_name: plan })));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    expect(await call(200, `GET /v1/graphs/${graph}/subscriptions`)).toMatchObject({
      status: 'upgrading',
      plan_name: 'ladybug-large',
    });
    const end = () =>
      api
        .get(Transactor)
        .run((em) =>
          api.get(SubscriptionsService).endChange(em, id, { planName: plan, basePriceCents: 49_900 }, 'op_change'),
        );
    expect(await end()).toMatchObject({ status: 'active', planName: plan, basePriceCents: 49_900 });
    expect(await end()).toBeNull();
  });

  it('writes the invoice of each period once, also those of a downtime, and notes who does not pay', async () => {
    const { id } = await active();
    const look = () => Promise.all(apis.map((one) => one.get(RenewalsSensor).look()));
    await look();
    expect(await invoices()).toHaveLength(1);
    // Three periods ago, and nobody looked since.
    await api.sql(
      `update subscription set current_period_start = current_period_start - interval '4 months',
         current_period_end = now() - interval '2 months 1 day' where id = $1`,
      [id],
    );
    await look();
    await look();
    expect((await invoices()).map(({ status: one }) => one).sort()).toEqual(['open', 'open', 'open', 'paid']);
    expect(await subscription(id)).toMatchObject({ status: 'active' });
    await api.sql(`update invoice set due_date = now() - interval '1 second' where subscription_id = $1`, [id]);
    await look();
    expect(await subscription(id)).toMatchObject({ status: 'past_due' });
    for (const invoice of (await invoices()).filter(({ status: one }) => one === 'open')) await pay(invoice.id);
    await look();
    expect(await subscription(id)).toMatchObject({ status: 'active' });
    expect(begun).toEqual([id]);
    expect(await call(200, `GET /v1/billing/invoices/${owner.orgId}/upcoming`)).toMatchObject({
      amount_due: 19_900,
      subscription_id: id,
    });
  });

  it('renews on the day on which it began, also after a shorter month, and says so beforehand', async () => {
    const { id } = await active();
    await api.sql(
      `update subscription set started_at = '2026-01-31T10:00:00Z', current_period_start = '2026-01-31T10:00:00Z',
         current_period_end = '2026-02-28T10:00:00Z' where id = $1`,
      [id],
    );
    const upcoming = await call(200, `GET /v1/billing/invoices/${owner.orgId}/upcoming`);
    expect(upcoming).toMatchObject({
      period_start: '2026-02-28T10:00:00.000Z',
      period_end: '2026-03-31T10:00:00.000Z',
    });
    await Promise.all(apis.map((one) => one.get(RenewalsSensor).look()));
    const rows = await api.sql<{ day: string }>(
      `select to_char(period_start at time zone 'UTC', 'MM-DD') as day from invoice
       where subscription_id = $1 and period_start > '2026-02-01' order by period_start limit 3`,
      [id],
    );
    // The first was written when it was ordered, which is another day here.
    expect(rows.map(({ day }) => day)).toEqual(['02-28', '03-31', '04-30']);
  });

  it('has one living subscription for each graph of an organisation', async () => {
    const { graph } = await active();
    const { subscription_id: other, session_id } = await order();
    await pay((await invoices()).find(({ status: one }) => one === 'open')!.id);
    const { operation_id } = await status(session_id);
    await expect(activate(other as string, operation_id as string, graph)).rejects.toThrow('subscription_live');
    expect(await subscription(other)).toMatchObject({ status: 'provisioning', resource_id: '' });
  });

  it('refuses what cannot be made before anybody pays for it', async () => {
    const codeOf = async (changes: object) => {
      const answer = await api.call('POST /v1/billing/checkout', owner, { ...ORDER, ...changes });
      return [answer.statusCode, answer.json<Body>().code];
    };
    expect(await codeOf({ plan_name: 'neo4j' })).toEqual([400, 'plan_not_found']);
    expect(await codeOf({ resource_type: 'repository' })).toEqual([400, 'not_offered']);
    expect(await codeOf({ resource_type: 'house' })).toEqual([422, 'invalid_request']);
    expect(await codeOf({ resource_config: { grahp_name: 'x' } })).toEqual([422, 'invalid_request']);
    expect((await codeOf({ resource_config: { custom_schema: SECRET_SCHEMA } }))[0]).toBe(422);
    expect(await codeOf({ resource_config: { org_id: operator.orgId } })).toEqual([400, 'paying_organisation_needed']);
    expect(await invoices()).toEqual([]);
  });

  it('makes no graph without a subscription where that is required, and says how to get one', async () => {
    const body = { metadata: { graph_name: 'Free' } };
    const [free, required] = await Promise.all(apis.map((one) => one.call('POST /v1/graphs', owner, body)));
    expect(free.statusCode).toBe(202);
    expect([required.statusCode, required.json<Body>().code]).toEqual([402, 'subscription_required']);
    expect(required.body).toContain('/v1/billing/checkout');
  });

  it('makes none by restoring a backup either, and says how to have its data back', async () => {
    const { graph_id: graphId } = (
      await api.call('POST /v1/graphs', owner, { metadata: { graph_name: 'Kept' } })
    ).json<{ graph_id: string }>();
    const manifest = { format: 'full_dump', manifest_version: 1, schema: { nodes: [], relationships: [] } };
    const [{ id }] = await api.sql<{ id: string }>(
      `insert into backup (id, graph_id, org_id, kind, format, status, retention_days, manifest, object_key, expires_at)
       values (gen_random_uuid(), $1, $2, 'manual', 'full_dump', 'completed', 7, $3, 'backups/x', now() + interval '7 days')
       returning id`,
      [graphId, owner.orgId, JSON.stringify(manifest)],
    );
    const body = { new_graph: { graph_name: 'Again' } };
    const restore = `POST /v1/graphs/${graphId}/backups/${id}/restore`;
    const [free, required] = [await api.call(restore, owner, body), await apis[1].call(restore, owner, body)];
    expect(free.statusCode).toBe(202);
    expect([required.statusCode, required.json<Body>().code]).toEqual([402, 'subscription_required']);
    expect(required.body).toContain('restore into it');
  });

  it('shows nothing of it to others, and lets only operators say that an invoice is paid', async () => {
    const { subscription_id: id, session_id } = await order();
    const stranger = await api.user();
    const [invoice] = await invoices();
    const routes = [
      `GET /v1/billing/checkout/${session_id as string}/status`,
      `GET /v1/billing/subscriptions/${owner.orgId}`,
      `GET /v1/billing/subscriptions/${stranger.orgId}/subscription/${id as string}`,
      `POST /v1/billing/subscriptions/${stranger.orgId}/subscription/${id as string}/cancel`,
      `GET /v1/billing/invoices/${owner.orgId}`,
      `GET /v1/billing/customer/${owner.orgId}`,
    ];
    for (const route of routes) expect([route, (await api.call(route, stranger)).statusCode]).toEqual([route, 404]);
    expect((await api.call(`POST /v1/admin/invoices/${invoice.id as string}/pay`, owner)).statusCode).toBe(403);
    await api.sql(`insert into org_member (org_id, user_id, role, joined_at) values ($1, $2, 'admin', now())`, [
      owner.orgId,
      stranger.id,
    ]);
    const ending = `POST /v1/billing/subscriptions/${owner.orgId}/subscription/${id as string}/cancel`;
    expect((await api.call(ending, stranger)).json<Body>()).toMatchObject({ code: 'role_required' });
    expect(begun).toEqual([]);
  });
});
