import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';
import { SubgraphExpirySensor } from './subgraph-expiry.sensor';

type Body = Record<string, unknown>;

const PERSON = {
  name: 'Person',
  primaryKey: 'id',
  properties: [
    { name: 'id', type: 'INT64', required: true },
    { name: 'name', type: 'STRING', required: false },
  ],
};

/** Requests for subgraphs while no worker does anything, so that all of them meet. */
describe('requests for subgraphs', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graph: string;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
    user = await api.user();
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    graph = await queriedGraph(api, user);
    const schema = { name: 'g', version: '1', nodes: [PERSON], relationships: [] };
    await api.sql('update graph set schema = $2 where id = $1', [graph, JSON.stringify(schema)]);
  }, 30_000);

  const call = async (route: string, body?: object, who = user): Promise<Body & { status_code: number }> => {
    const answer = await api.call(route, who, body, { prefer: 'wait=0' });
    return { ...answer.json<Body>(), status_code: answer.statusCode };
  };
  const create = (name: string, more: object = {}) =>
    call(`POST /v1/graphs/${graph}/subgraphs`, { name, display_name: name, ...more });

  it('with one name at once: one is begun', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => create('same')));
    expect(answers.map(({ status_code }) => status_code).sort()).toEqual([200, 409, 409, 409, 409]);
    expect(answers.find(({ status_code }) => status_code === 200)).toMatchObject({
      operation_type: 'subgraph_creation',
      graph_id: `${graph}_same`,
      status: 'pending',
    });
    expect(await api.sql(`select status from graph where parent_id = $1`, [graph])).toEqual([
      { status: 'provisioning' },
    ]);
  }, 60_000);

  it('for the last places at once: no more are begun than fit', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => create(`n${at}`)));
    expect(answers.filter(({ status_code }) => status_code === 200)).toHaveLength(3);
    expect(answers.filter(({ code }) => code === 'subgraph_limit_reached')).toHaveLength(5);
  }, 60_000);

  it('end at their time, once however many look, unless they are given more of it', async () => {
    await create('brief', { subgraph_type: 'temporal', expires_at: '2100-01-01T00:00:00Z' });
    const id = `${graph}_brief`;
    await api.sql(`delete from operation_lock where operation_id in (select id from operation where graph_id = $1)`, [
      id,
    ]);
    await api.sql(`update graph set status = 'active' where id = $1`, [id]);
    const sensor = api.app.get(SubgraphExpirySensor);
    const deletions = async () =>
      api.sql(
        `select o.type, a.action from operation o join audit_event a on a.target = o.graph_id
        where o.graph_id = $1 and o.type = 'graph_deletion' and a.action = 'graph.deletion_requested'`,
        [id],
      );
    const past = () =>
      api.sql(`update subgraph set expires_at = now() - interval '1 second' where graph_id = $1`, [id]);

    await sensor.look();
    expect(await deletions()).toEqual([]);
    expect(await call(`PATCH /v1/graphs/${graph}/subgraphs/brief`, { expires_at: null })).toMatchObject({
      status_code: 422,
    });
    await past();
    expect(
      await call(`PATCH /v1/graphs/${graph}/subgraphs/brief`, { expires_at: '2101-01-01T00:00:00Z' }),
    ).toMatchObject({ status_code: 200, expires_at: '2101-01-01T00:00:00.000Z' });
    await sensor.look();
    expect(await deletions()).toEqual([]);

    await past();
    await Promise.all([sensor.look(), sensor.look(), sensor.look()]);
    expect(await deletions()).toHaveLength(1);
    expect(
      await call(`PATCH /v1/graphs/${graph}/subgraphs/brief`, { expires_at: '2101-01-01T00:00:00Z' }),
    ).toMatchObject({ status_code: 409 });
  }, 60_000);

  it('cancelled before anything was built: nothing of it counts, and it can be asked for again, or retried', async () => {
    const { operation_id: id } = await create('dev');
    await api.call(`DELETE /v1/operations/${id as string}`, user);
    expect(await call(`GET /v1/graphs/${graph}/subgraphs/quota`)).toMatchObject({ current_count: 0 });
    expect(await call(`GET /v1/graphs/${graph}/subgraphs/dev/info`)).toMatchObject({ code: 'subgraph_not_found' });
    expect(await call(`GET /v1/graphs/${graph}_dev/info`)).toMatchObject({ code: 'graph_not_found' });
    const retried = await call(`POST /v1/operations/${id as string}/retry`);
    expect(retried).toMatchObject({ operation_type: 'subgraph_creation', status: 'pending' });
    await api.call(`DELETE /v1/operations/${retried.operation_id as string}`, user);
    const again = await create('dev');
    expect(again).toMatchObject({ status_code: 200, status: 'pending' });
    // What has the name now is another one.
    expect(await call(`POST /v1/operations/${retried.operation_id as string}/retry`)).toMatchObject({
      status_code: 409,
    });
    const rows = await api.sql(
      `select action, outcome from audit_event where target = $1 and action like 'subgraph.%' order by id limit 2`,
      [`${graph}_dev`],
    );
    expect(rows).toEqual([
      { action: 'subgraph.creation_requested', outcome: 'success' },
      { action: 'subgraph.creation_failed', outcome: 'failure' },
    ]);
  }, 60_000);

  it('while the graph is being deleted, or before it is there: refused', async () => {
    expect(await call(`DELETE /v1/graphs/${graph}`)).toMatchObject({ status: 'pending' });
    expect(await create('late')).toMatchObject({ status_code: 409, code: 'graph_not_ready' });
  }, 60_000);

  it('and the deletion of its parent at once: one of them, whichever comes first', async () => {
    const [made, deleted] = await Promise.all([create('dev'), call(`DELETE /v1/graphs/${graph}`)]);
    expect([made.code ?? 'made', deleted.code ?? 'deleted'].sort()).toEqual(
      made.status_code === 200 ? ['graph_has_subgraphs', 'made'] : ['deleted', 'graph_not_ready'],
    );
  }, 60_000);

  it('being made keeps its parent, with cascade too, until its operation has ended', async () => {
    const { operation_id: id } = await create('dev');
    expect(await call(`DELETE /v1/graphs/${graph}?cascade=true`)).toMatchObject({
      code: 'operation_in_progress',
      operation_id: id,
    });
    expect(await call(`GET /v1/graphs/${graph}/info`)).toMatchObject({ status: 'active' });
  }, 60_000);

  it('of somebody from elsewhere find nothing, and viewers may only look', async () => {
    await create('dev');
    const stranger = await api.user();
    const routes = [
      `POST /v1/graphs/${graph}/subgraphs`,
      `GET /v1/graphs/${graph}/subgraphs`,
      `GET /v1/graphs/${graph}/subgraphs/quota`,
      `GET /v1/graphs/${graph}/subgraphs/dev/info`,
      `DELETE /v1/graphs/${graph}/subgraphs/dev`,
    ];
    for (const route of routes) {
      const answer = await call(route, route.startsWith('GET') ? undefined : {}, stranger);
      expect([route, answer.status_code, answer.code]).toEqual([route, 404, 'graph_not_found']);
    }
    await api.sql(`insert into org_member (org_id, user_id, role) values ($1, $2, 'member')`, [
      user.orgId,
      stranger.id,
    ]);
    await api.sql(`insert into graph_member (graph_id, user_id, role) values ($1, $2, 'viewer')`, [graph, stranger.id]);
    const viewer = await api.user();
    await api.sql(`insert into org_member (org_id, user_id, role) values ($1, $2, 'member')`, [user.orgId, viewer.id]);
    await api.sql(`insert into graph_member (graph_id, user_id, role) values ($1, $2, 'viewer')`, [graph, viewer.id]);
    for (const route of routes) {
      const answer = await call(route, route.startsWith('GET') ? undefined : {}, viewer);
      expect([route, answer.status_code]).toEqual([route, route.startsWith('GET') ? 200 : 403]);
    }
    expect(await call(`GET /v1/graphs/${graph}_dev/info`, undefined, viewer)).toMatchObject({ status: 'provisioning' });
  }, 60_000);
});
