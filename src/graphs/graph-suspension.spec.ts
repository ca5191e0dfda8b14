import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';
import { ROUTE_ACCESS, type RouteAccess } from '../auth/requires';
import { routesOf } from '../../test/support/routes';
import { LiveGraphs } from './live-graphs';

const REASON = 'The subscription ended';

describe('a suspended graph', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let owner: ApiUser;
  let operator: ApiUser;
  let graph: string;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url, { ENGINE_CONFINEMENT: 'none' });
    [owner, operator] = [await api.user(), await api.user()];
    await api.sql('update app_user set is_operator = (id = $1)', [operator.id]);
    graph = await queriedGraph(api, owner);
    await api.sql(
      `insert into graph (id, org_id, parent_id, name, tier, status, schema)
       values ($1, $2, $3, 'sub', 'ladybug-standard', 'active', '{"version": "1", "nodes": [], "relationships": []}')`,
      [`${graph}_sub`, owner.orgId, graph],
    );
    await api.sql(`update graph set schema = '{"version": "1", "nodes": [], "relationships": []}' where id = $1`, [
      graph,
    ]);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });
  afterEach(() => resume());

  const suspend = (id = graph, user = operator) =>
    api.call(`POST /v1/admin/graphs/${id}/suspend`, user, { reason: REASON });
  const resume = (user = operator) => api.call(`POST /v1/admin/graphs/${graph}/resume`, user);
  const query = (id = graph) => api.call(`POST /v1/graphs/${id}/query`, owner, { query: 'RETURN 1 AS n' });
  const info = async () => (await api.call(`GET /v1/graphs/${graph}/info`, owner)).json<object>();

  it('is neither read nor changed until it is resumed, and says why', async () => {
    expect((await query()).statusCode).toBe(200);
    expect((await suspend()).json()).toMatchObject({ status: 'suspended', suspension_reason: REASON });
    expect((await query()).json()).toMatchObject({ status: 402, code: 'graph_suspended' });
    expect((await query(`${graph}_sub`)).json()).toMatchObject({ status: 402, code: 'graph_suspended' });
    expect(await info()).toMatchObject({ status: 'suspended', suspension: { reason: REASON } });
    expect((await api.call(`GET /v1/graphs/${graph}/backups`, owner)).statusCode).toBe(200);
    // What comes past the guard, such as work that was begun before, is refused as well.
    await expect(api.get(LiveGraphs).resolve(graph)).rejects.toMatchObject({ code: 'graph_suspended' });
    expect((await resume()).json()).toMatchObject({ status: 'active', suspended_at: null });
    expect(await info()).toMatchObject({ status: 'active', suspension: null });
    expect((await query()).statusCode).toBe(200);
  });

  it('answers on those routes alone that show no data and change none', async () => {
    const open = routesOf(api.app)
      .filter(({ handler, controller }) => {
        const access = (Reflect.getMetadata(ROUTE_ACCESS, handler) ?? Reflect.getMetadata(ROUTE_ACCESS, controller)) as
          RouteAccess | undefined;
        return access?.target === 'graph' && access.whileSuspended;
      })
      .map(({ name }) => name);
    const changing = open.filter((name) => !name.startsWith('GET ') && !name.endsWith('/subscriptions'));
    expect(changing.sort()).toEqual(['DELETE /v1/graphs/:graph_id', 'POST /v1/graphs/:graph_id/select']);
    expect(open).toContain('GET /v1/graphs/:graph_id/backups');
    const ofData = /quer|table|file|schema|materializ|download|member|rows/;
    expect(open.filter((name) => ofData.test(name))).toEqual([]);
  });

  it('is suspended and resumed by operators alone, and audited', async () => {
    expect((await suspend(graph, owner)).statusCode).toBe(403);
    expect((await resume(owner)).statusCode).toBe(403);
    expect((await suspend(`kg${'0'.repeat(20)}`)).statusCode).toBe(404);
    await suspend();
    expect((await suspend()).statusCode).toBe(200);
    const audit = await api.sql(
      `select action, details from audit_event where target = $1 and org_id = $2 order by id desc limit 2`,
      [graph, owner.orgId],
    );
    expect(audit).toMatchObject([{ action: 'graph.suspended', details: { reason: REASON } }, {}]);
  });

  it('stays hidden from strangers', async () => {
    await suspend();
    const stranger = await api.user();
    const answer = await api.call(`POST /v1/graphs/${graph}/query`, stranger, { query: 'RETURN 1' });
    expect(answer.json()).toMatchObject({ status: 404, code: 'graph_not_found' });
  });

  it('is not what a graph that is being deleted becomes', async () => {
    await api.sql(`update graph set status = 'deleting' where id = $1`, [`${graph}_sub`]);
    expect((await suspend(`${graph}_sub`)).json()).toMatchObject({ status: 409, code: 'graph_not_ready' });
  });
});
