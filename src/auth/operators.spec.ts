import { testDatabase, type TestDatabase } from '../../test/support/database';
import { IdentityApp, PASSWORD, type Person } from '../../test/support/identity-app';

type Headers = Record<string, string>;

describe('operators', () => {
  let database: TestDatabase;
  let worlds: IdentityApp[];
  let world: IdentityApp;
  let root: Person;

  beforeAll(async () => {
    database = await testDatabase();
    worlds = [await IdentityApp.start(database.url), await IdentityApp.start(database.url)];
    world = worlds[0];
    root = await world.person();
  });
  afterAll(async () => {
    for (const one of worlds ?? []) await one.stop();
    await database?.drop();
  });
  // Everybody but the first one is an ordinary user again.
  beforeEach(() => world.sql('update app_user set is_operator = (id = $1)', [root.id]));

  const ask = async (route: string, headers: Headers, one = world): Promise<[number, string | undefined]> => {
    const response = await one.call(route, { headers });
    return [response.statusCode, response.body === '' ? undefined : response.json<{ code?: string }>().code];
  };

  it('alone may use routes for operators', async () => {
    const other = await world.person();
    const graph = await world.graph(root.orgId);
    const keys = {
      admin: (await world.key(root)).headers,
      write: (await world.key(root, { scopes: ['write'] })).headers,
      bound: (await world.key(root, { graph_ids: [graph] })).headers,
      stranger: (await world.key(other)).headers,
    };
    const list = 'GET /v1/admin/operators';
    expect(await ask(list, {})).toEqual([401, 'unauthenticated']);
    expect(await ask(list, root.headers)).toEqual([200, undefined]);
    expect(await ask(list, keys.admin)).toEqual([200, undefined]);
    expect(await ask(list, keys.write)).toEqual([403, 'scope_required']);
    expect(await ask(list, keys.bound)).toEqual([403, 'key_bound_to_graphs']);
    expect(await ask(list, other.headers)).toEqual([403, 'operator_required']);
    expect(await ask(list, keys.stranger)).toEqual([403, 'operator_required']);
    expect(await ask(`PUT /v1/admin/operators/${other.id}`, other.headers)).toEqual([403, 'operator_required']);
  });

  it('make others operators and take it back, at once and in every process', async () => {
    const other = await world.person();
    const route = `/v1/admin/operators/${other.id}`;
    // Remembered as an ordinary user by the other process as well.
    expect(await ask('GET /v1/admin/operators', other.headers, worlds[1])).toEqual([403, 'operator_required']);
    expect(await ask(`PUT ${route}`, root.headers)).toEqual([200, undefined]);
    expect(await ask(`PUT ${route}`, root.headers)).toEqual([200, undefined]);
    expect(await ask('GET /v1/admin/operators', other.headers)).toEqual([200, undefined]);
    expect(await ask(`DELETE ${route}`, root.headers)).toEqual([204, undefined]);
    expect(await ask('GET /v1/admin/operators', other.headers)).toEqual([403, 'operator_required']);
    expect(await ask(`DELETE ${route}`, root.headers)).toEqual([404, 'user_not_found']);
    for (const id of ['nonsense', '00000000-0000-4000-8000-000000000000']) {
      expect(await ask(`PUT /v1/admin/operators/${id}`, root.headers)).toEqual([404, 'user_not_found']);
    }
    const audit = await world.sql<{ action: string }>(
      `select action from audit_event where target = $1 and actor_id = $2 order by id`,
      [other.id, root.id],
    );
    expect(audit.map(({ action }) => action)).toEqual(['operator.added', 'operator.removed']);
  });

  it('never become none', async () => {
    expect(await ask(`DELETE /v1/admin/operators/${root.id}`, root.headers)).toEqual([409, 'last_operator']);
    const body = { password: PASSWORD };
    const closing = await world.call('DELETE /v1/user', { headers: root.headers, body });
    expect([closing.statusCode, closing.json<{ code: string }>().code]).toEqual([409, 'last_operator']);
    const other = await world.person();
    await ask(`PUT /v1/admin/operators/${other.id}`, root.headers);
    // Two who leave at once: one of them stays.
    const outcomes = await Promise.all([
      ask(`DELETE /v1/admin/operators/${root.id}`, other.headers),
      ask(`DELETE /v1/admin/operators/${other.id}`, root.headers, worlds[1]),
    ]);
    expect(outcomes.filter(([status]) => status === 204)).toHaveLength(1);
    const [{ left }] = await world.sql<{ left: number }>(
      `select count(*)::int as left from app_user where is_operator and is_active`,
    );
    expect(left).toBe(1);
  });
});
