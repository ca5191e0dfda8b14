import { setTimeout as pause } from 'node:timers/promises';
import { ApiClient, type StartedOperation } from './api-client';
import { follow } from './follow';
import { OwnPlatform } from './own-platform';
import { say, seconds } from './say';
import { STRIPE_SECRET, StripeStandIn } from './stripe-stand-in';

const LOOK_MS = 200;
const PATIENCE_MS = 120_000;

interface Order {
  status: string;
  operation_id: string | null;
  resource_id: string | null;
}

/**
 * From an order to a running graph and to its end, on a platform of its own that collects by Stripe; Stripe itself is played
 * by a server on this machine.
 */
export async function showPaidGraph(): Promise<void> {
  const started = performance.now();
  const stripe = await StripeStandIn.start();
  try {
    const platform = await OwnPlatform.start({
      BILLING_PROVIDER: 'stripe',
      STRIPE_API_KEY: 'sk_test_demo',
      STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
      STRIPE_API_URL: stripe.url,
      STRIPE_PRICES: '{"ladybug-standard": "price_standard", "ladybug-large": "price_large"}',
      BILLING_SYNC_SECONDS: '1',
      PROVISIONING_CHECK_SECONDS: '1',
    });
    try {
      await walk(new ApiClient(platform.url, platform.apiKey), platform.url, stripe);
    } finally {
      await platform.stop();
    }
  } finally {
    await stripe.stop();
  }
  say(`Done in ${seconds(started)}`);
}

async function walk(api: ApiClient, url: string, stripe: StripeStandIn): Promise<void> {
  const { orgs } = await api.call<{ orgs: { id: string }[] }>('GET', '/v1/orgs');
  const org = orgs[0].id;

  say('Ordering a graph of tier ladybug-standard');
  const order = await api.call<{ session_id: string; subscription_id: string; checkout_url: string }>(
    'POST',
    '/v1/billing/checkout',
    { plan_name: 'ladybug-standard', resource_type: 'graph', resource_config: { graph_name: 'Paid' } },
  );
  const session = `/v1/billing/checkout/${order.session_id}/status`;
  say(`  to be paid at ${order.checkout_url}; until then it is ${(await api.call<Order>('GET', session)).status}`);

  const events = stripe.paid();
  say(`  an event with a wrong signature is answered ${await stripe.send(url, events[0], 'whsec_wrong')}`);
  for (const event of [...events, ...events.reverse()]) {
    const status = await stripe.send(url, event);
    if (status !== 200) throw new Error(`An event was answered ${status}`);
  }
  say('  paid: three signed events, each sent twice');
  const { operation_id } = await api.call<Order>('GET', session);
  await follow(api, linkOf(operation_id!));
  const { status, resource_id } = await api.call<Order>('GET', session);
  const { graphs } = await api.call<{ graphs: object[] }>('GET', '/v1/graphs');
  const graph = resource_id!;
  say(`  the subscription is ${status}, with ${graphs.length} graph`);

  say('Moving it to tier ladybug-large');
  const moved = await api.call<{ operation_id: string }>('PATCH', `/v1/graphs/${graph}/subscriptions`, {
    new_plan_name: 'ladybug-large',
  });
  await follow(api, linkOf(moved.operation_id));
  await until('Stripe knows the new price', () => Promise.resolve(stripe.price === 'price_large'));
  const { graph_tier } = await api.call<{ graph_tier: string }>('GET', `/v1/graphs/${graph}/limits`);
  say(`  its limits are those of ${graph_tier}, and Stripe collects ${stripe.price}`);

  say('Ending the subscription');
  const subscription = `/v1/billing/subscriptions/${org}/subscription/${order.subscription_id}`;
  await api.call('POST', `${subscription}/cancel?immediately=true`);
  const info = () =>
    api.call<{ status: string; suspension: { reason: string } | null }>('GET', `/v1/graphs/${graph}/info`);
  await until('the graph is suspended', async () => (await info()).status === 'suspended');
  await until('Stripe collects no more', () => Promise.resolve(stripe.ended));
  const refused = await api.call('POST', `/v1/graphs/${graph}/query`, { query: 'RETURN 1' }).then(
    () => 'answered',
    (error: Error) => error.message,
  );
  say(`  the graph is suspended, Stripe collects no more: ${refused}`);

  say('Taking it down');
  const result = await follow(api, await api.call<StartedOperation>('POST', `/v1/admin/graphs/${graph}/deprovision`));
  const { backups } = await api.call<{ backups: { status: string }[] }>(
    'GET',
    `/v1/orgs/${org}/deleted-graphs/backups`,
  );
  say(`  the graph is ${String(result.status)}; its last backup is ${backups[0].status}`);

  say('What the audit log says, the oldest first');
  const log = await api.call<{ events: { action: string; at: string; outcome: string }[] }>(
    'GET',
    `/v1/orgs/${org}/audit?limit=100`,
  );
  for (const { action, at, outcome } of log.events.reverse()) say(`  ${at}  ${action}  ${outcome}`);
}

function linkOf(operationId: string): Pick<StartedOperation, '_links'> {
  return { _links: { stream: `/v1/operations/${operationId}/stream` } };
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`In ${PATIENCE_MS / 1_000} s not: ${what}`);
    await pause(LOOK_MS);
  }
}
