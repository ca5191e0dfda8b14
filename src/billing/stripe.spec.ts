import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { eventually } from '../../test/support/eventually';
import { Transactor } from '../database/transactor';
import { Fulfilments } from './fulfilment';
import { OperationsService } from '../operations/operations.service';
import { ProviderSyncSensor } from './provider-sync.sensor';
import { SubscriptionsService } from './subscriptions.service';

type Body = Record<string, unknown>;
interface Asked {
  route: string;
  key: string | undefined;
  form: URLSearchParams;
}

const SECRET = 'whsec_test';
const ORDER = { plan_name: 'ladybug-standard', resource_type: 'graph', resource_config: { graph_name: 'Paid' } };
const MONTH = 2_592_000;
/** With a discount, of which the platform knows nothing. */
const PREVIEW = {
  object: 'invoice',
  amount_due: 3_900,
  currency: 'eur',
  period_start: 1_800_000_000,
  period_end: 1_800_000_000 + MONTH,
  lines: {
    data: [
      { description: 'Standard', amount: 4_900, quantity: 1, period: { start: 1_800_000_000, end: 1_802_592_000 } },
      { description: 'Discount', amount: -1_000, quantity: 1, period: { start: 1_800_000_000, end: 1_802_592_000 } },
    ],
  },
};
let count = 0;

/** Speaks Stripe's wire format; answers what the test says, and keeps what it was asked. */
class StripeServer {
  readonly asked: Asked[] = [];
  /** What to do instead of answering, once each: a status, or 0 for never answering. */
  readonly troubles: number[] = [];
  /** Only requests that have this in their path meet them: what earlier tests began may still be told. */
  about = '';
  status = 'active';
  price = 'price_standard';
  private constructor(private readonly server: Server) {}

  static async start(): Promise<StripeServer> {
    const server = createServer();
    const made = new StripeServer(server);
    server.on('request', (request: IncomingMessage, reply) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const route = `${request.method} ${request.url}`;
        made.asked.push({ route, key: request.headers['idempotency-key'] as string, form: new URLSearchParams(text) });
        const trouble = route.includes(made.about) ? made.troubles.shift() : undefined;
        if (trouble === 0) return;
        reply.statusCode = trouble ?? 200;
        reply.setHeader('content-type', 'application/json');
        reply.end(
          JSON.stringify(
            trouble === undefined
              ? made.answerTo(route)
              : { error: { type: trouble === 400 ? 'invalid_request_error' : 'api_error', message: 'No' } },
          ),
        );
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  private answerTo(route: string): object {
    if (route.endsWith('/checkout/sessions')) {
      count += 1;
      return { id: `cs_test_${count}`, object: 'checkout.session', url: 'https://pay.example/1' };
    }
    if (route.endsWith('/customers/cus_1'))
      return { id: 'cus_1', object: 'customer', invoice_settings: { default_payment_method: 'pm_2' } };
    if (route.includes('/customers/cus_1/payment_methods')) {
      const card = { brand: 'visa', last4: '4242', exp_month: 4, exp_year: 2031 };
      const data = [
        { id: 'pm_1', type: 'sepa_debit' },
        { id: 'pm_2', type: 'card', card },
      ];
      return { object: 'list', data, has_more: false };
    }
    if (route.endsWith('/invoices/create_preview')) return PREVIEW;
    if (route.endsWith('/billing_portal/sessions')) return { object: 'session', url: 'https://portal.example/1' };
    const price = { id: this.price, object: 'price' };
    const item = { id: 'si_1', object: 'subscription_item', price, current_period_start: 1, current_period_end: 2 };
    return { id: 'sub', object: 'subscription', status: this.status, items: { object: 'list', data: [item] } };
  }
}

describe('billing by Stripe', () => {
  let database: TestDatabase;
  let stripe: StripeServer;
  let apis: ApiApp[];
  let api: ApiApp;
  let owner: ApiUser;
  let begun: string[];

  beforeAll(async () => {
    database = await testDatabase();
    stripe = await StripeServer.start();
    const settings = {
      BILLING_PROVIDER: 'stripe',
      STRIPE_API_KEY: 'sk_test_1',
      STRIPE_WEBHOOK_SECRET: SECRET,
      STRIPE_API_URL: stripe.url,
      STRIPE_TIMEOUT_SECONDS: '2',
      STRIPE_PRICES: JSON.stringify({ 'ladybug-standard': 'price_standard', 'ladybug-large': 'price_large' }),
    };
    const worker = { ...settings, ROLES: 'api,engine,worker' };
    apis = [await ApiApp.start(database.url, worker), await ApiApp.start(database.url, settings)];
    [api] = apis;
    for (const one of apis) {
      jest.spyOn(one.get(Fulfilments), 'get').mockReturnValue({
        begin: (_, { id }) => {
          begun.push(id);
          return Promise.resolve({ operationId: `op_${id}` });
        },
        changePlan: (_, { id }) => Promise.resolve({ operationId: `change_${id}` }),
      });
    }
    owner = await api.user();
  }, 120_000);
  afterAll(async () => {
    for (const one of apis ?? []) await one.stop();
    await stripe?.stop();
    await database?.drop();
  });
  beforeEach(() => {
    begun = [];
    stripe.asked.length = 0;
    stripe.troubles.length = 0;
    stripe.about = '';
    stripe.status = 'active';
    stripe.price = 'price_standard';
  });

  const order = async () => {
    const answer = await api.call('POST /v1/billing/checkout', owner, ORDER);
    if (answer.statusCode !== 201) throw new Error(answer.body);
    return answer.json<{ subscription_id: string; session_id: string; checkout_url: string }>();
  };
  const cancel = (id: string, query = '') =>
    api.call(`POST /v1/billing/subscriptions/${owner.orgId}/subscription/${id}/cancel${query}`, owner);
  /** Why something is to be given back, as often as that was noted. */
  const refundsOf = async (id: string) => {
    const rows = await api.sql<{ reason: string }>(
      `select details ->> 'reason' as reason from audit_event where target = $1 and action = 'payment.refund_due'`,
      [id],
    );
    return rows.map(({ reason }) => reason);
  };
  const stateOf = async (id: string): Promise<Body> =>
    (await api.call(`GET /v1/billing/subscriptions/${owner.orgId}/subscription/${id}`, owner)).json();

  const event = (type: string, object: object, created = Math.floor(Date.now() / 1_000)): Body => {
    count += 1;
    return { id: `evt_${count}`, object: 'event', type, created, data: { object } };
  };
  /** What Stripe sends of an order that is paid. */
  const eventsOf = (id: string) => {
    const sub = `sub_${id}`;
    const metadata = { subscription_id: id };
    const invoice = (status: string) => ({
      id: `in_${id}`,
      object: 'invoice',
      status,
      number: 'S-1',
      amount_due: 4_900,
      amount_paid: status === 'paid' ? 4_900 : 0,
      currency: 'usd',
      created: 1_700_000_000,
      period_start: 1_700_000_000,
      period_end: 1_700_000_000 + MONTH,
      due_date: null,
      status_transitions: { paid_at: status === 'paid' ? 1_700_000_100 : null },
      hosted_invoice_url: 'https://invoice.example/1',
      invoice_pdf: null,
      parent: { type: 'subscription_details', subscription_details: { subscription: sub, metadata } },
      lines: {
        data: [
          { description: 'Standard', amount: 4_900, quantity: 1, period: { start: 1_700_000_000, end: 1_702_000_000 } },
        ],
      },
    });
    const item = { current_period_start: 1_700_000_000, current_period_end: 1_700_000_000 + MONTH };
    const subscription = (status: string) => ({
      id: sub,
      object: 'subscription',
      status,
      metadata,
      ended_at: status === 'canceled' ? 1_700_000_500 : null,
      items: { data: [item] },
    });
    const session = {
      id: 'cs',
      object: 'checkout.session',
      payment_status: 'paid',
      subscription: sub,
      customer: 'cus_1',
      metadata,
    };
    return {
      completed: event('checkout.session.completed', session),
      unpaid: event('checkout.session.completed', { ...session, payment_status: 'unpaid' }),
      asyncPaid: event('checkout.session.async_payment_succeeded', session),
      created: event('invoice.created', invoice('draft')),
      finalized: event('invoice.finalized', invoice('open')),
      voided: event('invoice.voided', invoice('void')),
      paid: event('invoice.paid', invoice('paid')),
      succeeded: event('invoice.payment_succeeded', invoice('paid')),
      failed: event('invoice.payment_failed', invoice('open')),
      updated: (status: string, at?: number) => event('customer.subscription.updated', subscription(status), at),
      deleted: event('customer.subscription.deleted', subscription('canceled')),
    };
  };
  const send = (what: Body, { by = api, secret = SECRET, at = Math.floor(Date.now() / 1_000) } = {}) => {
    // Spaced as Stripe does: a body that is parsed and written again has another signature.
    const payload = JSON.stringify(what, null, 2);
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: at });
    return by.app.inject({
      method: 'POST',
      url: '/admin/v1/webhooks/stripe',
      headers: { 'content-type': 'application/json', 'stripe-signature': signature },
      payload,
    });
  };
  const sent = async (...events: Body[]) => {
    for (const one of events) {
      const answer = await send(one);
      if (answer.statusCode !== 200) throw new Error(`${one.type as string}: ${answer.body}`);
    }
  };
  const activate = (id: string) =>
    api.get(Transactor).run((em) => api.get(SubscriptionsService).activate(em, id, `op_${id}`, `kg_${id}`));

  it('provisions once, in whichever order the events of a payment come, each of them twice', async () => {
    const orders = permutations([0, 1, 2, 3]);
    expect(orders).toHaveLength(24);
    for (const sequence of orders) {
      const { subscription_id: id } = await order();
      const { completed, created, paid, succeeded, updated } = eventsOf(id);
      const events = [completed, paid, succeeded, updated('active')];
      // The draft of its invoice comes last, and then first.
      const deliveries = [...sequence.map((n) => events[n]), created];
      begun = [];
      await sent(...deliveries, ...deliveries.slice().reverse());
      expect([sequence, begun]).toEqual([sequence, [id]]);
      const { status, operation_id } = await stateOf(id);
      expect([sequence, status, operation_id]).toEqual([sequence, 'provisioning', `op_${id}`]);
      const invoices = await api.sql('select status, amount_paid from invoice where subscription_id = $1', [id]);
      expect([sequence, invoices]).toEqual([sequence, [{ status: 'paid', amount_paid: 4_900 }]]);
    }
  }, 240_000);

  it('provisions once when all of them come at once, to two processes', async () => {
    for (let run = 0; run < 5; run += 1) {
      const { subscription_id: id } = await order();
      const { completed, paid, succeeded, updated } = eventsOf(id);
      begun = [];
      const events = [completed, paid, succeeded, updated('active')];
      const answers = await Promise.all(apis.flatMap((by) => events.map((one) => send(one, { by }))));
      // Two that deadlock are done again by the platform, else by Stripe.
      for (const [n, { statusCode }] of answers.entries())
        if (statusCode !== 200) await sent(events[n % events.length]);
      expect((await stateOf(id)).status).toBe('provisioning');
      expect(begun.filter((one) => one === id).length).toBeGreaterThanOrEqual(1);
      const rows = await api.sql(`select 1 from audit_event where target = $1 and action = 'subscription.paid'`, [id]);
      expect(rows).toHaveLength(1);
    }
  }, 60_000);

  it('takes nothing that is not signed by its secret, was changed, or is old', async () => {
    const { subscription_id: id } = await order();
    const { completed } = eventsOf(id);
    const now = Math.floor(Date.now() / 1_000);
    const refused = [
      await send(completed, { secret: 'whsec_other' }),
      await send(completed, { at: now - 400 }),
      await api.app.inject({ method: 'POST', url: '/admin/v1/webhooks/stripe', payload: completed }),
    ];
    for (const answer of refused) {
      expect([answer.statusCode, answer.json<Body>().code]).toEqual([400, 'webhook_signature_invalid']);
    }
    expect(begun).toEqual([]);
    const rows = await api.sql(`select 1 from audit_event where action = 'webhook.refused'`);
    expect(rows).toHaveLength(3);
  });

  it('asks for an event again that names a subscription which it does not know', async () => {
    const { completed } = eventsOf('00000000-0000-4000-8000-000000000000');
    const answer = await send(completed);
    expect([answer.statusCode, answer.json<Body>().code]).toEqual([503, 'subscription_unknown']);
    expect(await api.sql('select 1 from billing_event where event_id = $1', [completed.id])).toEqual([]);
  });

  it('processes an event again whose effect could not be kept', async () => {
    const { subscription_id: id } = await order();
    const { completed } = eventsOf(id);
    jest.spyOn(api.get(Fulfilments).get(), 'begin').mockRejectedValueOnce(new Error('no'));
    expect((await send(completed)).statusCode).toBe(500);
    expect((await stateOf(id)).status).toBe('pending_payment');
    await sent(completed);
    expect(begun).toEqual([id]);
  });

  it('follows failed payments, late ones, and the end', async () => {
    const { subscription_id: id } = await order();
    const { unpaid, failed, succeeded, updated, deleted } = eventsOf(id);
    await sent(unpaid);
    expect((await stateOf(id)).status).toBe('pending_payment');
    await sent(failed);
    expect((await stateOf(id)).status).toBe('unpaid');
    await sent(succeeded, { ...failed, id: 'evt_late' });
    expect((await stateOf(id)).status).toBe('provisioning');
    await activate(id);
    const now = Math.floor(Date.now() / 1_000);
    await sent(updated('past_due', now + 2), updated('active', now + 1));
    expect((await stateOf(id)).status).toBe('past_due');
    await sent(updated('active', now + 3));
    expect(await stateOf(id)).toMatchObject({ status: 'active', current_period_start: new Date(1.7e12).toISOString() });
    await sent(updated('incomplete', now + 4), deleted);
    expect(await stateOf(id)).toMatchObject({ status: 'canceled', ends_at: new Date(1_700_000_500_000).toISOString() });
    await sent(updated('active', now + 5));
    expect((await stateOf(id)).status).toBe('canceled');
    await sent(event('customer.created', { id: 'cus_9', object: 'customer' }));
  });

  it('orders at Stripe, again with the same key after a failure, and lets an order go that it does not take', async () => {
    stripe.troubles.push(500, 0);
    const { subscription_id: id, checkout_url } = await order();
    expect(checkout_url).toBe('https://pay.example/1');
    expect(new Set(stripe.asked.map(({ key }) => key))).toEqual(new Set([`checkout-${id}`]));
    expect(stripe.asked).toHaveLength(3);
    const { form } = stripe.asked[0];
    expect([form.get('mode'), form.get('line_items[0][price]'), form.get('metadata[subscription_id]')]).toEqual([
      'subscription',
      'price_standard',
      id,
    ]);
    for (const [troubles, status, code] of [
      [[503, 503, 503], 503, 'billing_provider_unavailable'],
      [[400], 409, 'billing_provider_refused'],
    ] as const) {
      stripe.troubles.push(...troubles);
      const answer = await api.call('POST /v1/billing/checkout', owner, ORDER);
      expect([answer.statusCode, answer.json<Body>().code]).toEqual([status, code]);
      const list = (await api.call(`GET /v1/billing/subscriptions/${owner.orgId}`, owner)).json<Body[]>();
      expect(list[0].status).toBe('canceled');
    }
  }, 60_000);

  it('makes nothing of a payment that comes after the order was cancelled, and says that it is to be given back', async () => {
    const { subscription_id: id } = await order();
    await cancel(id);
    const { completed, paid, succeeded } = eventsOf(id);
    await sent(completed, completed, paid, succeeded);
    expect(begun).toEqual([]);
    expect(await refundsOf(id)).toEqual(['after_end']);
    await api.get(ProviderSyncSensor).look();
    await eventually(
      'Stripe is told of the end',
      () => stripe.asked.map(({ route }) => route),
      (routes) => routes.includes(`DELETE /v1/subscriptions/sub_${id}`),
      30_000,
    );
  }, 60_000);

  it('owes what was paid for and never made, once, until an operator has noted that it was given back', async () => {
    const [cancelled, givenUp] = [await order(), await order()].map(({ subscription_id: id }) => id);
    for (const id of [cancelled, givenUp]) await sent(eventsOf(id).paid);
    await cancel(cancelled);
    await api
      .get(Transactor)
      .run((em) => api.get(SubscriptionsService).writeOff(em, givenUp, `op_${givenUp}`, { code: 'no', message: 'No' }));
    // What comes of the same payment afterwards, and the end as Stripe tells it, make nothing and owe nothing more.
    for (const id of [cancelled, givenUp]) {
      const { completed, succeeded, deleted } = eventsOf(id);
      await sent(completed, succeeded, deleted);
    }
    expect(begun).toEqual([cancelled, givenUp]);
    expect([await refundsOf(cancelled), await refundsOf(givenUp)]).toEqual([['canceled'], ['never_made']]);

    expect((await api.call('GET /v1/admin/refunds', owner)).statusCode).toBe(403);
    await api.sql('update app_user set is_operator = true where id = $1', [owner.id]);
    const due = async () => {
      const { refunds } = (await apis[1].call('GET /v1/admin/refunds?limit=100', owner)).json<{ refunds: Body[] }>();
      return refunds.filter(({ subscription_id: id }) => id === cancelled || id === givenUp);
    };
    const done = () => apis[1].call(`POST /v1/admin/refunds/${cancelled}/done`, owner);
    expect(await due()).toMatchObject([
      {
        subscription_id: cancelled,
        status: 'canceled',
        amount_paid: 4_900,
        provider_subscription_id: `sub_${cancelled}`,
      },
      { subscription_id: givenUp, status: 'canceled', amount_paid: 4_900 },
    ]);
    const noted = (await done()).json<Body>();
    expect((await done()).json()).toEqual(noted);
    expect(noted.refunded_at).not.toBeNull();
    expect(await due()).toMatchObject([{ subscription_id: givenUp }]);
    const rows = `select 1 from audit_event where target = $1 and action = 'payment.refunded'`;
    expect(await api.sql(rows, [cancelled])).toHaveLength(1);
    const unknown = await apis[1].call('POST /v1/admin/refunds/00000000-0000-4000-8000-000000000000/done', owner);
    expect(unknown.statusCode).toBe(404);
    await api.sql('update app_user set is_operator = false where id = $1', [owner.id]);
  });

  it('takes every event of the table, and every status that Stripe knows', async () => {
    const { subscription_id: id } = await order();
    const { asyncPaid, finalized, voided, updated } = eventsOf(id);
    await sent(finalized);
    const invoices = () => api.sql<{ status: string }>('select status from invoice where subscription_id = $1', [id]);
    expect(await invoices()).toEqual([{ status: 'open' }]);
    await sent(voided);
    expect(await invoices()).toEqual([{ status: 'void' }]);
    await sent(asyncPaid);
    expect((await stateOf(id)).status).toBe('provisioning');
    await activate(id);
    const start = Math.floor(Date.now() / 1_000);
    let later = 0;
    const told = async (status: string) => {
      later += 1;
      await sent(updated(status, start + later));
      return (await stateOf(id)).status;
    };
    for (const [status, then] of [
      ['paused', 'paused'],
      ['trialing', 'active'],
      ['unpaid', 'unpaid'],
      ['active', 'active'],
    ])
      expect([status, await told(status)]).toEqual([status, then]);
    // A change of plan that is on its way finds that it may not go on.
    await api.sql(`update subscription set status = 'upgrading' where id = $1`, [id]);
    expect(await told('past_due')).toBe('past_due');
    const plan = { planName: 'ladybug-large', basePriceCents: 1 };
    const change = api.get(Transactor).run((em) => api.get(SubscriptionsService).endChange(em, id, plan, 'op'));
    expect(await change).toBeNull();
    expect(await told('incomplete_expired')).toBe('canceled');
  });

  it('asks Stripe what is paid with and what will be owed, and says so when it does not answer', async () => {
    const { subscription_id: id } = await order();
    const get = async (path: string) => (await api.call(`GET /v1/billing/${path}`, owner)).json<Body>();
    await sent(eventsOf(id).completed);
    await activate(id);
    expect(await get(`customer/${owner.orgId}`)).toMatchObject({
      has_payment_method: true,
      stripe_customer_id: 'cus_1',
      payment_methods: [
        { id: 'pm_1', type: 'sepa_debit', is_default: false, last4: null },
        { id: 'pm_2', type: 'card', is_default: true, last4: '4242', exp_year: 2_031 },
      ],
    });
    await api.sql(`update subscription set status = 'canceled' where org_id = $1 and id <> $2`, [owner.orgId, id]);
    stripe.asked.length = 0;
    expect(await get(`invoices/${owner.orgId}/upcoming`)).toMatchObject({
      amount_due: 3_900,
      currency: 'eur',
      period_start: new Date(1.8e12).toISOString(),
      line_items: [{ amount: 4_900 }, { description: 'Discount', amount: -1_000 }],
      subscription_id: id,
    });
    expect(stripe.asked.map(({ form }) => form.get('subscription'))).toEqual([`sub_${id}`]);
    stripe.troubles.push(503, 503, 503);
    expect(await get(`customer/${owner.orgId}`)).toMatchObject({ status: 503, code: 'billing_provider_unavailable' });
  }, 60_000);

  it('tells Stripe of an end and of another plan, again until it is heard, and then not any more', async () => {
    const sensor = api.get(ProviderSyncSensor);
    // What the tests above have decided.
    await sensor.look();
    const waiting = `select from operation where type = 'subscription_sync' and status in ('pending', 'running')`;
    await eventually(
      'what was decided before is told',
      () => api.sql(waiting),
      (left) => left.length === 0,
    );
    const { subscription_id: id } = await order();
    const ended = async () =>
      (
        await api.sql<{ status: string; attempt: number; code: string | null }>(
          `select status, attempt, error ->> 'code' as code from operation where type = 'subscription_sync'
           and payload ->> 'subscriptionId' = $1 order by created_at, id`,
          [id],
        )
      ).filter(({ status }) => status !== 'pending' && status !== 'running');
    /** Looks, and waits for the end of what that began. */
    const told = async (count: number) => {
      // Two at once, and later a third that finds that it is being told, or was.
      await Promise.all([sensor.look(), apis[1].get(ProviderSyncSensor).look()]);
      await sensor.look();
      await eventually('it was told', ended, (all) => all.length >= count, 30_000);
      expect(await ended()).toHaveLength(count);
      return (await ended()).at(-1);
    };
    stripe.about = `sub_${id}`;
    const { completed } = eventsOf(id);
    await sent(completed);
    await activate(id);
    stripe.asked.length = 0;
    await told(0);
    expect(stripe.asked).toEqual([]);

    await api.sql(`update subscription set plan_name = 'ladybug-large' where id = $1`, [id]);
    stripe.troubles.push(500, 500, 500);
    expect(await told(1)).toMatchObject({ status: 'completed', attempt: 2 });
    await told(1);
    const changes = stripe.asked.filter(({ route }) => route.startsWith('POST'));
    expect(changes.map(({ form }) => form.get('items[0][price]'))).toEqual(['price_large']);
    // There and back again within one period: each is a change of its own.
    for (const [now, plan, count] of [
      ['price_large', 'ladybug-standard', 2],
      ['price_standard', 'ladybug-large', 3],
    ] as const) {
      stripe.price = now;
      await api.sql('update subscription set plan_name = $2 where id = $1', [id, plan]);
      await told(count);
    }
    const keys = stripe.asked.filter(({ route }) => route.startsWith('POST')).map(({ key }) => key);
    expect([keys.length, new Set(keys).size]).toEqual([3, 3]);
    stripe.price = 'price_large';

    stripe.asked.length = 0;
    await cancel(id);
    await told(4);
    await told(4);
    expect(stripe.asked.filter(({ route }) => !route.startsWith('GET')).map(({ form }) => form.toString())).toEqual([
      'cancel_at_period_end=true',
    ]);
    stripe.asked.length = 0;
    await cancel(id, '?immediately=true');
    await told(5);
    expect(stripe.asked.map(({ route }) => route.split(' ')[0])).toEqual(['GET', 'DELETE']);

    // What Stripe does not take is for operators to look at, and is told again when they ask for it.
    await api.sql(`update subscription set ends_at = ends_at - interval '1 day' where id = $1`, [id]);
    stripe.troubles.push(400);
    expect(await told(6)).toMatchObject({ status: 'failed', code: 'billing_provider_refused' });
    await told(6);
    // Whoever does it again takes the subscription's turn as well.
    const [{ id: failedId }] = await api.sql<{ id: string }>(
      `select id from operation where type = 'subscription_sync' and status = 'failed' and payload ->> 'subscriptionId' = $1`,
      [id],
    );
    const operations = api.get(OperationsService);
    const failed = await operations.get(failedId);
    const again = api.get(Transactor).run(async (em) => {
      await operations.beginAgain(em, failed);
      await operations.beginAgain(em, failed);
    });
    await expect(again).rejects.toMatchObject({ code: 'operation_in_progress' });
    const sync = `POST /v1/admin/subscriptions/${id}/sync`;
    expect((await api.call(sync, owner)).statusCode).toBe(403);
    await api.sql('update app_user set is_operator = true where id = $1', [owner.id]);
    expect((await apis[1].call(sync, owner)).statusCode).toBe(202);
    expect(await told(7)).toMatchObject({ status: 'completed' });
    const audited = await api.sql<{ action: string }>(
      `select action from audit_event where target = $1 and action like 'subscription.provider_%' order by id`,
      [id],
    );
    expect(audited.map(({ action }) => action.replace('subscription.provider_', ''))).toEqual([
      ...['told', 'told', 'told', 'told', 'told', 'not_told', 'told'],
    ]);

    const portal = await api.call(`POST /v1/billing/customer/${owner.orgId}/portal`, owner);
    expect(portal.json()).toEqual({ portal_url: 'https://portal.example/1' });
  }, 60_000);
});

function permutations<T>(items: T[]): T[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, n) => permutations(items.filter((_, m) => m !== n)).map((rest) => [item, ...rest]));
}
