import { Client, type Started } from '../../test/support/client';
import { withDatabase } from '../../test/support/database';
import { eventually } from '../../test/support/eventually';
import { PEOPLE } from '../../test/support/people';
import { PlatformWorld } from '../../test/support/platform-world';

type Body = Record<string, unknown>;

const PLANS = [
  { name: 'basic', display_name: 'Basic', monthly_price_cents: 2_900, monthly_credits: 100 },
  { name: 'pro', display_name: 'Pro', monthly_price_cents: 9_900, monthly_credits: 500 },
];
const COUNT = 'MATCH (p:Person) RETURN count(*) AS n';

describe('a shared repository', () => {
  let world: PlatformWorld;
  /** Runs the installation, and owns the graph. */
  let operator: Client;
  let reader: Client;
  let readers: string;
  let graph: string;

  beforeAll(async () => {
    world = await PlatformWorld.start({ PROVISIONING_CHECK_SECONDS: '1' });
    operator = world.client;
    graph = await operator.createGraph(PEOPLE);
    await operator.stage(graph, 'Person', 'persons.csv', 'id,name\n1,Ada\n2,Grace\n');
    await operator.materialize(graph);
    reader = await registered('reader@example.org');
    readers = (await reader.expect<{ orgs: { id: string }[] }>(200, 'GET', '/v1/orgs')).orgs[0].id;
    await publish();
  }, 120_000);
  afterAll(() => world?.end());

  const registered = async (email: string) => (await Client.register(world.platform.url, email)).client;
  const publish = (more: object = {}, name = 'people') =>
    operator.expect(200, 'PUT', `/v1/admin/repositories/${name}`, { graph_id: graph, plans: PLANS, ...more });
  const order = (plan: string, by = reader) =>
    by.expect<Body>(201, 'POST', '/v1/graphs/people/subscriptions', { plan_name: plan });
  const pay = async (): Promise<void> => {
    const { invoices } = await operator.expect<{ invoices: Body[] }>(200, 'GET', '/v1/admin/invoices?status=open');
    for (const { id } of invoices) await operator.expect(200, 'POST', `/v1/admin/invoices/${id as string}/pay`);
  };
  const subscription = (id: unknown) =>
    reader.expect<Body>(200, 'GET', `/v1/billing/subscriptions/${readers}/subscription/${id as string}`);
  const granted = async () =>
    (await reader.expect<{ repositories: Body[] }>(200, 'GET', `/v1/orgs/${readers}/repositories`)).repositories;
  /** Ordered, paid, and read. */
  const subscribed = async (plan = 'basic'): Promise<string> => {
    const { id } = await order(plan);
    await pay();
    await eventually(
      'it comes to that',
      () => subscription(id),
      ({ status }) => status === 'active',
    );
    return id as string;
  };
  const cancel = async (id: string): Promise<void> => {
    const path = `/v1/billing/subscriptions/${readers}/subscription/${id}/cancel?immediately=true`;
    await reader.expect(200, 'POST', path);
    await eventually('it comes to that', granted, (grants) => grants.length === 0);
  };

  it('is offered with its plans, and to be had by nobody before it is paid for', async () => {
    const offering = await reader.expect<{ repository_subscriptions: { repositories: Body[] } }>(
      200,
      'GET',
      '/v1/offering',
    );
    expect(offering.repository_subscriptions.repositories).toEqual([
      expect.objectContaining({
        type: 'people',
        enabled: true,
        plans: [
          expect.objectContaining({ plan: 'basic', monthly_price: 29, monthly_credits: 100 }),
          expect.objectContaining({ plan: 'pro', monthly_price: 99 }),
        ],
      }),
    ]);
    expect(await reader.refusal('POST', `/v1/graphs/${graph}/query`, { query: COUNT })).toMatchObject({ status: 404 });
    const { id } = await order('basic');
    expect(await reader.refusal('POST', `/v1/graphs/${graph}/query`, { query: COUNT })).toMatchObject({ status: 404 });
    expect(await granted()).toEqual([]);
    await cancel(id as string);
  });

  it('is read once it is paid for, with the credits of its plan, and no longer than that', async () => {
    const { id, resource_type, plan_display_name, base_price_cents } = await order('pro');
    expect({ resource_type, plan_display_name, base_price_cents }).toEqual({
      resource_type: 'repository',
      plan_display_name: 'Pro',
      base_price_cents: 9_900,
    });
    await pay();
    const active = await eventually(
      'it comes to that',
      () => subscription(id),
      ({ status }) => status === 'active',
    );
    expect(active).toMatchObject({ resource_id: 'people' });
    const operation = await reader.expect<Started>(200, 'GET', `/v1/operations/${active.operation_id as string}`);
    expect(await reader.result(operation)).toMatchObject({ access_granted: true, credits_allocated: 500 });
    expect(await granted()).toEqual([
      expect.objectContaining({
        repository: 'people',
        graph_id: graph,
        plan: 'pro',
        credits: { balance: 500, monthly_allocation: 500 },
      }),
    ]);
    expect(await reader.query(graph, COUNT)).toEqual([{ n: 2 }]);
    expect(await reader.expect(200, 'GET', `/v1/graphs/${graph}/schema`)).toMatchObject({ graph_id: graph });
    const { graphs } = await reader.expect<{ graphs: Body[] }>(200, 'GET', '/v1/graphs');
    expect(graphs).toEqual([
      expect.objectContaining({ graphId: graph, role: 'reader', isRepository: true, repositoryType: 'people' }),
    ]);
    await cancel(id as string);
    expect(await reader.refusal('POST', `/v1/graphs/${graph}/query`, { query: COUNT })).toMatchObject({ status: 404 });
    expect((await reader.expect<{ graphs: Body[] }>(200, 'GET', '/v1/graphs')).graphs).toEqual([]);
    const actions = await withDatabase(world.database.url, (query) =>
      query<{ action: string }>(`select action from audit_event where target = $1 and org_id = $2 order by id`, [
        graph,
        readers,
      ]),
    );
    expect(actions.map(({ action }) => action)).toEqual(['repository.access_granted', 'repository.access_revoked']);
  }, 60_000);

  it('shows its readers nothing but its data, and lets them change nothing', async () => {
    const id = await subscribed();
    const { paths } = await reader.expect<{ paths: Record<string, Record<string, unknown>> }>(
      200,
      'GET',
      '/openapi.json',
    );
    const open: string[] = [];
    for (const [path, methods] of Object.entries(paths)) {
      if (!path.startsWith('/v1/graphs/{graph_id}')) continue;
      const url = path.replace('{graph_id}', graph).replaceAll(/\{\w+\}/g, 'x');
      for (const method of Object.keys(methods).filter((name) => name !== 'parameters')) {
        const body = ['get', 'delete'].includes(method) ? undefined : {};
        const response = await reader.request(method.toUpperCase(), url, body);
        await response.arrayBuffer();
        if (response.status !== 403)
          open.push(`${method} ${path.replace('/v1/graphs/{graph_id}', '')}: ${response.status}`);
      }
    }
    // The last names a repository, and says which plan it needs.
    expect(open.sort()).toEqual([
      ...['get /info: 200', 'get /schema: 200', 'get /subscriptions: 200'],
      ...['post /query: 422', 'post /subscriptions: 422'],
    ]);
    expect(await reader.expect(200, 'GET', `/v1/graphs/${graph}/subscriptions`)).toMatchObject({ id });
    const statement = { query: 'CREATE (p:Person {id: 9, name: "x"})' };
    expect(await reader.refusal('POST', `/v1/graphs/${graph}/query`, statement)).toMatchObject({ status: 403 });
    expect(await reader.refusal('POST', `/v1/graphs/${graph}/query?mode=async`, { query: COUNT })).toMatchObject({
      status: 403,
      code: 'role_required',
    });
    // Nor is there a way to it by the work of others.
    const others = await operator.expect<{ operations: Started[] }>(200, 'GET', `/v1/operations?graph_id=${graph}`);
    const work = `/v1/operations/${others.operations[0].operation_id}`;
    for (const path of [work, `${work}/stream`, `${work}/status`])
      expect(await reader.refusal('GET', path)).toMatchObject({ status: 404 });
    await cancel(id);
  }, 60_000);

  it('is subscribed to once by an organisation, however often it is ordered and paid', async () => {
    const [first, second] = [await order('basic'), await order('pro')];
    await pay();
    const ended = ({ status, ...rest }: Body): boolean => status === 'active' || rest.operation_id !== null;
    await eventually('it comes to that', () => subscription(first.id), ended);
    const both = await eventually(
      'it comes to that',
      async () => [await subscription(first.id), await subscription(second.id)],
      (found) => found.filter(({ status }) => status === 'active').length === 1,
    );
    expect(await granted()).toHaveLength(1);
    const other = both.find(({ status }) => status !== 'active')!;
    await eventually(
      'it comes to that',
      () => reader.expect<Body>(200, 'GET', `/v1/operations/${other.operation_id as string}`),
      ({ status, error }) => status === 'failed' && (error as Body).code === 'repository_already_granted',
    );
    expect(await granted()).toHaveLength(1);
    const { id } = both.find(({ status }) => status === 'active')!;
    expect(await reader.refusal('POST', '/v1/graphs/people/subscriptions', { plan_name: 'basic' })).toMatchObject({
      status: 409,
      code: 'repository_already_granted',
    });
    await cancel(id as string);
  }, 60_000);

  it('is not ordered again while it is being granted, nor while its graph is out of service, which readers are told', async () => {
    const { id } = await order('basic');
    const set = (status: string) =>
      withDatabase(world.database.url, (query) =>
        query('update subscription set status = $2 where id = $1', [id, status]),
      );
    await set('provisioning');
    const again = () => reader.refusal('POST', '/v1/graphs/people/subscriptions', { plan_name: 'basic' });
    expect(await again()).toMatchObject({ status: 409, code: 'repository_already_granted' });
    await set('pending_payment');
    await pay();
    await eventually(
      'it is read',
      () => subscription(id),
      ({ status }) => status === 'active',
    );
    await operator.expect(200, 'POST', `/v1/admin/graphs/${graph}/suspend`, { reason: 'A claim' });
    try {
      const query = { query: COUNT };
      expect(await reader.refusal('POST', `/v1/graphs/${graph}/query`, query)).toMatchObject({
        code: 'graph_suspended',
      });
      const deprovision = `/v1/admin/graphs/${graph}/deprovision`;
      expect(await operator.refusal('POST', deprovision)).toMatchObject({ status: 409, code: 'graph_is_read' });
      await cancel(id as string);
      expect(await again()).toMatchObject({ status: 404, code: 'repository_not_found' });
      const { repository_subscriptions: offered } = await reader.expect<{
        repository_subscriptions: { repositories: Body[] };
      }>(200, 'GET', '/v1/offering');
      expect(offered.repositories).toEqual([]);
    } finally {
      await operator.expect(200, 'POST', `/v1/admin/graphs/${graph}/resume`);
    }
  }, 60_000);

  it('is granted anew where granting it failed before', async () => {
    const { id } = await order('basic');
    await withDatabase(world.database.url, (query) =>
      query(
        `insert into repository_grant (id, repository, graph_id, org_id, subscription_id, plan, monthly_credits,
           granted_at, revoked_at) values (gen_random_uuid(), 'people', $1, $2, $3, 'basic', 100, now(), now())`,
        [graph, readers, id],
      ),
    );
    await pay();
    await eventually(
      'it comes to that',
      () => subscription(id),
      ({ status }) => status === 'active',
    );
    expect(await granted()).toHaveLength(1);
    await cancel(id as string);
  }, 60_000);

  it('is published by operators alone, each graph as one, and is no longer sold when it is withdrawn', async () => {
    const put = (body: object, name = 'people', by = operator) =>
      by.refusal('PUT', `/v1/admin/repositories/${name}`, { graph_id: graph, plans: PLANS, ...body });
    expect(await put({}, 'people', reader)).toMatchObject({ status: 403 });
    expect(await put({}, 'other')).toMatchObject({ status: 409, code: 'repository_not_publishable' });
    expect(await put({}, 'No Slug')).toMatchObject({ status: 422 });
    expect(await put({ plans: [PLANS[0], PLANS[0]] })).toMatchObject({ status: 422 });
    const another = await operator.createGraph(PEOPLE);
    expect(await put({ graph_id: another })).toMatchObject({ status: 409, code: 'repository_not_publishable' });
    const id = await subscribed();
    await publish({ is_offered: false });
    expect(await operator.refusal('DELETE', `/v1/graphs/${graph}`)).toMatchObject({
      status: 409,
      code: 'graph_is_read',
    });
    expect(await reader.query(graph, COUNT)).toEqual([{ n: 2 }]);
    const stranger = await registered('stranger@example.org');
    expect(await stranger.refusal('POST', '/v1/graphs/people/subscriptions', { plan_name: 'basic' })).toMatchObject({
      status: 404,
      code: 'repository_not_found',
    });
    await publish();
    const gold = { plan_name: 'gold' };
    expect(await stranger.refusal('POST', '/v1/graphs/people/subscriptions', gold)).toMatchObject({
      status: 400,
      code: 'plan_not_found',
    });
    await cancel(id);
  }, 60_000);
});
