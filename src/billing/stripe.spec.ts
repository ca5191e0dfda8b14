import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
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
let count = 0;

/** Speaks Stripe's wire format; answers what the test says, and keeps what it was asked. */
class StripeServer {
  readonly asked: Asked[] = [];
  /** What to do instead of answering, once each: a status, or 0 for never answering. */
  readonly troubles: number[] = [];
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
        const trouble = made.troubles.shift();
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
    stripe.status = 'active';
    stripe.price = 'price_standard';
  });

  const order = async () => {
    const answer = await api.call('POST /v1/billing/checkout', owner, ORDER);
    if (answer.statusCode !== 201) throw new Error(answer.body);
    return answer.json<{ subscription_id: string; session_id: string; checkout_url: string }>();
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
      created: event('invoice.created', invoice('draft')),
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
    await api.call(`POST /v1/billing/subscriptions/${owner.orgId}/subscription/${id}/cancel`, owner);
    const { completed } = eventsOf(id);
    await sent(completed, completed);
    expect(begun).toEqual([]);
    const audited = await api.sql<{ action: string; outcome: string }>(
      `select action, outcome from audit_event where target = $1 and action like 'payment.%'`,
      [id],
    );
    expect(audited).toEqual([{ action: 'payment.after_end', outcome: 'failure' }]);
    await api.get(ProviderSyncSensor).look();
    const ended = () => stripe.asked.some(({ route }) => route === `DELETE /v1/subscriptions/sub_${id}`);
    for (const deadline = Date.now() + 30_000; !ended();) {
      if (Date.now() > deadline) throw new Error('Stripe was not told of the end');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }, 60_000);

  it('tells Stripe of an end and of another plan, again until it is heard, and then not any more', async () => {
    const sensor = api.get(ProviderSyncSensor);
    // What the tests above have decided.
    await sensor.look();
    const waiting = `select from operation where type = 'subscription_sync' and status in ('pending', 'running')`;
    while ((await api.sql(waiting)).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
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
      for (const deadline = Date.now() + 30_000; (await ended()).length < count;) {
        if (Date.now() > deadline) throw new Error(`It was told ${(await ended()).length} times`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(await ended()).toHaveLength(count);
      return (await ended()).at(-1);
    };
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
    await api.call(`POST /v1/billing/subscriptions/${owner.orgId}/subscription/${id}/cancel`, owner);
    await told(4);
    await told(4);
    expect(stripe.asked.filter(({ route }) => !route.startsWith('GET')).map(({ form }) => form.toString())).toEqual([
      'cancel_at_period_end=true',
    ]);
    stripe.asked.length = 0;
    await api.call(`POST /v1/billing/subscriptions/${owner.orgId}/subscription/${id}/cancel?immediately=true`, owner);
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
