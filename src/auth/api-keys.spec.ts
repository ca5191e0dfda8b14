import { testDatabase, type TestDatabase } from '../../test/support/database';
import { eventually } from '../../test/support/eventually';
import { IdentityApp, type Person } from '../../test/support/identity-app';
import { KeyUsage } from './key-usage';

interface KeyInfo {
  id: string;
  prefix: string;
  is_active: boolean;
  scopes: string[];
  last_used_at: string | null;
}

describe('API keys', () => {
  let database: TestDatabase;
  let world: IdentityApp;
  let other: IdentityApp;
  let ada: Person;

  beforeAll(async () => {
    database = await testDatabase();
    world = await IdentityApp.start(database.url);
    other = await IdentityApp.start(database.url);
  });

  beforeEach(async () => {
    ada = await world.person();
  });

  afterAll(async () => {
    await other?.stop();
    await world?.stop();
    await database?.drop();
  });

  type Headers = Record<string, string>;
  const status = async (route: string, headers: Headers, body?: object) =>
    (await world.call(route, { headers, body })).statusCode;
  const create = (headers: Headers, body: object) =>
    world.call('POST /v1/user/api-keys', { headers, body: { name: 'k', ...body } });

  it('are shown once and stored as a hash', async () => {
    const made = await create(ada.headers, { description: 'for the loader' });
    expect(made.statusCode).toBe(201);
    const { key, api_key } = made.json<{ key: string; api_key: KeyInfo }>();
    expect(key).toMatch(/^gs_[0-9a-f]{64}$/);
    expect(api_key).toMatchObject({
      name: 'k',
      prefix: key.slice(0, 11),
      is_active: true,
      scopes: ['read', 'write', 'admin'],
    });
    const list = await world.call('GET /v1/user/api-keys', { headers: ada.headers });
    expect(list.json()).toMatchObject({ api_keys: [{ id: api_key.id, description: 'for the loader' }] });
    const [row] = await world.sql<{ row: string }>(`select api_key::text as row from api_key where id = $1`, [
      api_key.id,
    ]);
    for (const text of [list.body, row.row]) expect(text).not.toContain(key.slice(11));
  });

  it('do what their scopes allow and no more', async () => {
    const graph = await world.graph(ada.orgId);
    const calls = [
      `GET /probe/graphs/${graph}/view`,
      `POST /probe/graphs/${graph}/query`,
      `POST /probe/graphs/${graph}/write`,
      `DELETE /probe/graphs/${graph}`,
      'GET /v1/user',
      'PUT /v1/user',
      `PUT /v1/orgs/${ada.orgId}`,
    ];
    const answers = async (scopes: string[]) => {
      const { headers } = await world.key(ada, { scopes });
      return Promise.all(calls.map((call) => status(call, headers, /^PUT/.test(call) ? {} : undefined)));
    };
    expect(await answers(['read'])).toEqual([200, 201, 403, 403, 200, 403, 403]);
    expect(await answers(['write'])).toEqual([200, 201, 201, 403, 200, 403, 403]);
    expect(await answers(['admin'])).toEqual([200, 201, 201, 200, 200, 200, 200]);
    const { headers } = await world.key(ada, { scopes: ['read'] });
    const refused = await world.call(calls[2], { headers });
    expect(refused.json()).toMatchObject({ code: 'scope_required', required_scope: 'write' });
  });

  it('that are bound to graphs see no others, and change nothing outside', async () => {
    const [mine, hidden] = [await world.graph(ada.orgId), await world.graph(ada.orgId)];
    const sub = await world.graph(ada.orgId, { parentId: mine });
    const { headers } = await world.key(ada, { graph_ids: [mine] });
    for (const [id, expected] of [
      [mine, 200],
      [sub, 200],
      [hidden, 404],
    ] as const) {
      expect(await status(`GET /probe/graphs/${id}/view`, headers)).toBe(expected);
    }
    const graphs = await world.call(`GET /v1/orgs/${ada.orgId}/graphs`, { headers });
    expect(
      graphs
        .json<{ graph_id: string }[]>()
        .map((graph) => graph.graph_id)
        .sort(),
    ).toEqual([mine, sub].sort());
    expect(await status('GET /v1/user', headers)).toBe(200);
    const changes: [string, object][] = [
      ['POST /v1/user/api-keys', { name: 'more' }],
      ['PUT /v1/user', { name: 'Eve' }],
      ['POST /v1/orgs', { name: 'Mine' }],
      [`PUT /v1/orgs/${ada.orgId}`, { name: 'Mine' }],
      [`POST /v1/orgs/${ada.orgId}/members`, { email: 'a@example.org' }],
    ];
    for (const [route, body] of changes) {
      const response = await world.call(route, { headers, body });
      expect([route, response.statusCode, response.json<{ code: string }>().code]).toEqual([
        route,
        403,
        'key_bound_to_graphs',
      ]);
    }
    const onHidden = await world.operation({ orgId: ada.orgId, graphId: hidden, userId: ada.id });
    const ofOrg = await world.operation({ orgId: ada.orgId, graphId: null, userId: ada.id });
    const onSub = await world.operation({ orgId: ada.orgId, graphId: sub, userId: ada.id });
    const seen = [onHidden, ofOrg, onSub].map((id) => status(`GET /probe/operations/${id}`, headers));
    expect(await Promise.all(seen)).toEqual([404, 404, 200]);
  });

  it('grant no more than what made them', async () => {
    const bob = await world.person();
    const foreign = await world.graph(bob.orgId);
    expect((await create(ada.headers, { graph_ids: [foreign] })).statusCode).toBe(404);
    const inAnHour = new Date(world.clock.now().getTime() + 3_600_000).toISOString();
    const short = await world.key(ada, { expires_at: inAnHour });
    expect((await create(short.headers, {})).json()).toMatchObject({ code: 'key_grants_too_much' });
    expect((await create(short.headers, { expires_at: inAnHour })).statusCode).toBe(201);
    const writer = await world.key(ada, { scopes: ['read', 'write'] });
    expect((await create(writer.headers, { scopes: ['read'] })).statusCode).toBe(403);
  });

  it('end at their time', async () => {
    const { headers } = await world.key(ada, {
      expires_at: new Date(world.clock.now().getTime() + 60_000).toISOString(),
    });
    expect(await status('GET /v1/user', headers)).toBe(200);
    world.clock.advance(59_000);
    expect(await status('GET /v1/user', headers)).toBe(200);
    world.clock.advance(1_000);
    expect(await status('GET /v1/user', headers)).toBe(401);
  });

  it('are worthless at once when revoked, and within moments in other processes', async () => {
    const { id, headers } = await world.key(ada);
    const elsewhere = async () => (await other.call('GET /v1/user', { headers })).statusCode;
    expect([await status('GET /v1/user', headers), await elsewhere()]).toEqual([200, 200]);
    const revoked = await world.call(`DELETE /v1/user/api-keys/${id}`, { headers: ada.headers });
    expect(revoked.json()).toMatchObject({ success: true });
    expect(await status('GET /v1/user', headers)).toBe(401);
    await eventually('it is refused elsewhere', elsewhere, (code) => code === 401);
    expect(await status(`DELETE /v1/user/api-keys/${id}`, ada.headers)).toBe(200);
  });

  it('can be rotated, with an overlap where it is asked for', async () => {
    const old = await world.key(ada, { scopes: ['read', 'write'] });
    const rotate = (id: string, body: object) =>
      world.call(`POST /v1/user/api-keys/${id}/rotate`, { headers: ada.headers, body });
    const next = (await rotate(old.id, { overlap_seconds: 60 })).json<{ key: string; api_key: KeyInfo }>();
    expect(next.api_key.scopes).toEqual(['read', 'write']);
    expect(await status('GET /v1/user', old.headers)).toBe(200);
    world.clock.advance(60_000);
    expect(await status('GET /v1/user', old.headers)).toBe(401);
    expect(await status('GET /v1/user', { 'x-api-key': next.key })).toBe(200);
    expect((await rotate(next.api_key.id, {})).statusCode).toBe(201);
    expect(await status('GET /v1/user', { 'x-api-key': next.key })).toBe(401);
    expect((await rotate(next.api_key.id, {})).statusCode).toBe(409);
  });

  it('belong to their user alone', async () => {
    const bob = await world.person();
    const { id } = await world.key(bob);
    for (const key of [id, '00000000-0000-4000-8000-000000000000', 'x']) {
      expect(await status(`DELETE /v1/user/api-keys/${key}`, ada.headers)).toBe(404);
      expect(await status(`PUT /v1/user/api-keys/${key}`, ada.headers, { name: 'mine' })).toBe(404);
      expect(await status(`POST /v1/user/api-keys/${key}/rotate`, ada.headers, {})).toBe(404);
    }
    expect(await status(`PUT /v1/user/api-keys/${id}`, bob.headers, { name: 'renamed' })).toBe(200);
  });

  it('tell when they were last used, without a write in each request', async () => {
    const { id, headers } = await world.key(ada);
    const lastUsed = async () => {
      const list = await world.call('GET /v1/user/api-keys', { headers: ada.headers });
      return list.json<{ api_keys: KeyInfo[] }>().api_keys.find((key) => key.id === id)!.last_used_at;
    };
    await status('GET /v1/user', headers);
    expect(await lastUsed()).toBeNull();
    await world.get(KeyUsage).flush();
    expect(await lastUsed()).toBe(world.clock.now().toISOString());
  });

  it.each([
    [{ expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
    [{ expires_at: 'soon' }, 'expires_at'],
    [{ scopes: [] }, 'scopes'],
    [{ scopes: ['root'] }, 'scopes'],
    [{ graph_ids: [] }, 'graph_ids'],
    [{ graph_ids: ['x'] }, 'graph_ids'],
    [{ name: ' ' }, 'name'],
    [{ description: 'a\u0000' }, 'description'],
  ])('are not made from %j', async (body, field) => {
    const response = await create(ada.headers, body);
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ detail: [{ loc: ['body', field] }] });
  });

  it('read a time without an offset as UTC', async () => {
    const made = await create(ada.headers, { expires_at: '2099-01-01T12:00:00' });
    expect(made.json()).toMatchObject({ api_key: { expires_at: '2099-01-01T12:00:00.000Z' } });
  });
});
