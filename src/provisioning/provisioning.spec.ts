import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';
import { DueDeprovisioningSensor } from './due-deprovisioning.sensor';

const LIMITS = { 'ladybug-large': { slots: 1 }, 'ladybug-xlarge': { max_subgraphs: 1 } };

/** No worker runs here: what is begun stays pending. Their work is done in test/chaos, killed at each step. */
describe('the tier of a graph and its end', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let operator: ApiUser;
  let owner: ApiUser;
  let graph: string;

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { TIER_LIMITS: JSON.stringify(LIMITS), SUSPENDED_KEEP_DAYS: '30' };
    api = await ApiApp.start(database.url, settings);
    [operator, owner] = [await api.user(), await api.user()];
    await api.sql('update app_user set is_operator = (id = $1)', [operator.id]);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    graph = await queriedGraph(api, owner);
  });

  const admin = (action: string, body?: object, user = operator, id = graph) =>
    api.call(`POST /v1/admin/graphs/${id}/${action}`, user, body);
  const suspend = () => admin('suspend', { reason: 'Not paid' });
  const subgraph = (name: string) =>
    api.sql(
      `insert into graph (id, org_id, parent_id, name, tier, status, schema)
       values ($1, $2, $3, 's', 'ladybug-standard', 'active', '{}')`,
      [`${graph}_${name}`, owner.orgId, graph],
    );
  const operations = (type: string) =>
    api.sql(`select id from operation where type = $1 and graph_id = $2`, [type, graph]);

  it('is changed once, however many ask at once', async () => {
    const asked = await Promise.all([1, 2, 3].map(() => admin('tier', { tier: 'ladybug-xlarge' })));
    expect(asked.map(({ statusCode }) => statusCode).sort()).toEqual([202, 409, 409]);
    expect(await operations('graph_tier_change')).toHaveLength(1);
  });

  it('is refused with why where it is too small, full, the same, or unknown', async () => {
    expect((await admin('tier', { tier: 'ladybug-standard' })).json()).toMatchObject({ code: 'tier_unchanged' });
    expect((await admin('tier', { tier: 'gold' })).statusCode).toBe(422);
    await Promise.all([subgraph('a'), subgraph('b')]);
    expect((await admin('tier', { tier: 'ladybug-xlarge' })).json()).toMatchObject({
      status: 409,
      code: 'tier_too_small',
      limit: 'max_subgraphs',
      allowed: 1,
      actual: 2,
    });
    expect((await admin('tier', { tier: 'ladybug-large' }, operator, `${graph}_a`)).json()).toMatchObject({
      code: 'not_of_a_subgraph',
    });
    await queriedGraph(api, owner, 'ladybug-large');
    expect((await admin('tier', { tier: 'ladybug-large' })).json()).toMatchObject({ status: 409, code: 'tier_full' });
    await suspend();
    expect((await admin('tier', { tier: 'ladybug-xlarge' })).json()).toMatchObject({ code: 'graph_suspended' });
    expect(await operations('graph_tier_change')).toEqual([]);
  });

  it('are for operators alone', async () => {
    expect((await admin('tier', { tier: 'ladybug-large' }, owner)).statusCode).toBe(403);
    await suspend();
    expect((await admin('deprovision', undefined, owner)).statusCode).toBe(403);
    const nothing = `kg${'0'.repeat(20)}`;
    expect((await admin('deprovision', undefined, operator, nothing)).statusCode).toBe(404);
    expect((await admin('tier', { tier: 'ladybug-large' }, operator, nothing)).statusCode).toBe(404);
  });

  it('does not come while a graph is in service, and comes once with a backup announced', async () => {
    expect((await admin('deprovision')).json()).toMatchObject({ status: 409, code: 'graph_in_service' });
    await suspend();
    const asked = await Promise.all([1, 2, 3].map(() => admin('deprovision')));
    expect(asked.map(({ statusCode }) => statusCode).sort()).toEqual([202, 409, 409]);
    const backups = await api.sql(`select kind, status, labels from backup where graph_id = $1`, [graph]);
    expect(backups).toEqual([{ kind: 'system', status: 'in_progress', labels: ['final'] }]);
    const [{ status }] = await api.sql(`select status from graph where id = $1`, [graph]);
    expect(status).toBe('suspended');
  });

  it('comes by itself when the time of a suspended graph is over, asked for by one of many sensors', async () => {
    const kept = graph;
    await suspend();
    graph = await queriedGraph(api, owner);
    await suspend();
    await api.sql(`update graph set suspended_at = now() - interval '31 days' where id = $1`, [graph]);
    const sensor = api.get(DueDeprovisioningSensor);
    await Promise.all([sensor.look(), sensor.look(), sensor.look()]);
    await sensor.look();
    expect(await operations('graph_deprovisioning')).toHaveLength(1);
    graph = kept;
    expect(await operations('graph_deprovisioning')).toEqual([]);
  });
});
