import { testDatabase, type TestDatabase } from '../../test/support/database';
import { IdentityApp, PASSWORD, type Person } from '../../test/support/identity-app';
import { AuditService } from '../audit/audit.service';
import { Transactor } from '../database/transactor';
import { OrgsService } from './orgs.service';

describe('organisations', () => {
  let database: TestDatabase;
  let world: IdentityApp;
  let owner: Person, admin: Person, member: Person, stranger: Person;

  beforeAll(async () => {
    database = await testDatabase();
    world = await IdentityApp.start(database.url, { settings: { GRAPHS_PER_ORG: '2' } });
  });

  beforeEach(async () => {
    [owner, admin, member, stranger] = await Promise.all([1, 2, 3, 4].map(() => world.person()));
    await world.join(owner, admin, 'admin');
    await world.join(owner, member, 'member');
  });

  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  const call = (who: Person, route: string, body?: object) => world.call(route, { headers: who.headers, body });
  const outcome = async (who: Person, route: string, body?: object) => {
    const response = await call(who, route, body);
    return [response.statusCode, response.body ? response.json<{ code?: string }>().code : undefined];
  };
  const members = () => `/v1/orgs/${owner.orgId}/members`;
  const roles = async () => {
    const list = (await call(owner, `GET ${members()}`)).json<{ members: { user_id: string; role: string }[] }>();
    return Object.fromEntries(list.members.map(({ user_id, role }) => [user_id, role]));
  };

  it('show themselves to their members', async () => {
    const graph = await world.graph(owner.orgId);
    await world.graph(owner.orgId, { parentId: graph });
    const detail = await call(owner, `GET /v1/orgs/${owner.orgId}`);
    expect(detail.json()).toMatchObject({
      id: owner.orgId,
      org_type: 'personal',
      user_role: 'owner',
      members: [{ user_id: owner.id, email: owner.email, is_active: true }, { role: 'admin' }, { role: 'member' }],
      graphs: [
        { graph_id: graph, role: 'admin', is_subgraph: false },
        { is_subgraph: true, parent_graph_id: graph },
      ],
      limits: { max_graphs: 2, current_usage: { graphs: 1, subgraphs: 1, members: 3 }, can_create_graph: true },
    });
    const seenByMember = await call(member, `GET /v1/orgs/${owner.orgId}`);
    expect(seenByMember.json()).toMatchObject({ user_role: 'member', graphs: [] });
    const list = await call(member, 'GET /v1/orgs');
    expect(list.json()).toMatchObject({
      total: 2,
      orgs: [
        { id: member.orgId, role: 'owner' },
        { id: owner.orgId, role: 'member', member_count: 3, graph_count: 1 },
      ],
    });
  });

  it('can be several, and be changed by their admins', async () => {
    const made = await call(owner, 'POST /v1/orgs', { name: ' Team ', org_type: 'team' });
    expect(made.statusCode).toBe(201);
    expect(made.json()).toMatchObject({ name: 'Team', role: 'owner', member_count: 1, graph_count: 0 });
    const changed = await call(admin, `PUT /v1/orgs/${owner.orgId}`, { name: 'Renamed', org_type: 'team' });
    expect(changed.json()).toMatchObject({ name: 'Renamed', org_type: 'team' });
    expect(await outcome(member, `PUT /v1/orgs/${owner.orgId}`, { name: 'x' })).toEqual([403, 'role_required']);
    expect(await outcome(owner, `PUT /v1/orgs/${owner.orgId}`, { org_type: 'personal' })).toEqual([
      409,
      'org_has_members',
    ]);
    expect(await outcome(owner, `PUT /v1/orgs/${owner.orgId}`, { name: 'a\u0000' })).toEqual([422, 'invalid_request']);
  });

  it('take in people with an account', async () => {
    const added = await call(admin, `POST ${members()}`, { email: stranger.email.toUpperCase() });
    expect(added.statusCode).toBe(201);
    expect(added.json()).toMatchObject({ user_id: stranger.id, role: 'member', is_active: true });
    expect(await outcome(admin, `POST ${members()}`, { email: stranger.email })).toEqual([409, 'already_member']);
    expect(await outcome(admin, `POST ${members()}`, { email: 'none@example.org' })).toEqual([
      404,
      'user_not_registered',
    ]);
    expect(await outcome(member, `POST ${members()}`, { email: 'none@example.org' })).toEqual([403, 'role_required']);
  });

  it('leave owners to owners', async () => {
    expect(await outcome(admin, `POST ${members()}`, { email: stranger.email, role: 'owner' })).toEqual([
      403,
      'role_required',
    ]);
    expect(await outcome(admin, `PUT ${members()}/${owner.id}`, { role: 'member' })).toEqual([403, 'role_required']);
    expect(await outcome(admin, `PUT ${members()}/${admin.id}`, { role: 'owner' })).toEqual([403, 'role_required']);
    expect(await outcome(admin, `DELETE ${members()}/${owner.id}`)).toEqual([403, 'role_required']);
    expect(await outcome(owner, `PUT ${members()}/${admin.id}`, { role: 'owner' })).toEqual([200, undefined]);
    expect(await outcome(admin, `PUT ${members()}/${owner.id}`, { role: 'member' })).toEqual([200, undefined]);
    expect(await roles()).toEqual({ [owner.id]: 'member', [admin.id]: 'owner', [member.id]: 'member' });
  });

  it('always keep an owner, also when two leave at once', async () => {
    expect(await outcome(owner, `DELETE ${members()}/${owner.id}`)).toEqual([409, 'last_owner']);
    expect(await outcome(owner, `PUT ${members()}/${owner.id}`, { role: 'admin' })).toEqual([409, 'last_owner']);
    await call(owner, `PUT ${members()}/${admin.id}`, { role: 'owner' });
    const leaving = await Promise.all([owner, admin].map((who) => outcome(who, `DELETE ${members()}/${who.id}`)));
    expect(leaving.map(([status]) => status).sort()).toEqual([204, 409]);
  });

  it('let members go, and nobody throw others out below admin', async () => {
    expect(await outcome(member, `DELETE ${members()}/${admin.id}`)).toEqual([403, 'role_required']);
    expect(await outcome(member, `DELETE ${members()}/${member.id}`)).toEqual([204, undefined]);
    expect(await outcome(member, `GET ${members()}`)).toEqual([404, 'org_not_found']);
    expect(await outcome(owner, `DELETE ${members()}/${member.id}`)).toEqual([404, 'member_not_found']);
    expect(await outcome(owner, `DELETE ${members()}/nonsense`)).toEqual([404, 'member_not_found']);
  });

  it('end rights in graphs with the membership, at once and for good', async () => {
    const graph = await world.graph(owner.orgId);
    const view = `GET /probe/graphs/${graph}/view`;
    await call(owner, `POST /v1/graphs/${graph}/members`, { user_id: member.id, role: 'viewer' });
    expect(await outcome(member, view)).toEqual([200, undefined]);
    await call(owner, `DELETE ${members()}/${member.id}`);
    expect(await outcome(member, view)).toEqual([404, 'graph_not_found']);
    await world.join(owner, member, 'member');
    expect(await outcome(member, view)).toEqual([404, 'graph_not_found']);
  });

  it('let admins say who may use a graph', async () => {
    const graph = await world.graph(owner.orgId);
    const sub = await world.graph(owner.orgId, { parentId: graph });
    const url = `/v1/graphs/${graph}/members`;
    const write = `POST /probe/graphs/${graph}/write`;
    expect(await outcome(owner, `POST ${url}`, { user_id: stranger.id })).toEqual([400, 'not_an_org_member']);
    expect(await outcome(owner, `POST ${url}`, { user_id: member.id, role: 'viewer' })).toEqual([201, undefined]);
    expect(await outcome(owner, `POST ${url}`, { user_id: member.id })).toEqual([409, 'already_member']);
    expect(await outcome(member, write)).toEqual([403, 'role_required']);
    expect(await outcome(member, `PUT ${url}/${member.id}`, { role: 'admin' })).toEqual([403, 'role_required']);
    expect(await outcome(owner, `PUT ${url}/${member.id}`, { role: 'member' })).toEqual([200, undefined]);
    expect(await outcome(member, write)).toEqual([201, undefined]);
    const list = (await call(member, `GET /v1/graphs/${sub}/members`)).json<{ members: object[] }>();
    expect(list.members).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ user_id: owner.id, role: 'admin', is_implicit: true }),
        expect.objectContaining({ user_id: member.id, role: 'member', is_implicit: false }),
      ]),
    );
    expect(await outcome(owner, `POST /v1/graphs/${sub}/members`, { user_id: admin.id })).toEqual([
      400,
      'subgraph_has_no_members',
    ]);
    expect(await outcome(owner, `DELETE ${url}/${member.id}`)).toEqual([204, undefined]);
    expect(await outcome(member, write)).toEqual([404, 'graph_not_found']);
    expect(await outcome(owner, `DELETE ${url}/${member.id}`)).toEqual([404, 'member_not_found']);
  });

  it('have room for so many graphs, also when two are made at once', async () => {
    const orgs = world.get(OrgsService);
    await world.graph(owner.orgId);
    const make = () =>
      world.get(Transactor).run(async (em) => {
        await orgs.requireRoomForGraph(em, owner.orgId);
        await em.query(
          `insert into graph (id, org_id, name, tier, status, schema)
           values ('kg' || substr(md5(random()::text), 1, 20), $1, 'g', 'standard', 'active', '{}')`,
          [owner.orgId],
        );
      });
    const made = await Promise.allSettled([make(), make()]);
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const limits = await call(owner, `GET /v1/orgs/${owner.orgId}/limits`);
    expect(limits.json()).toMatchObject({ can_create_graph: false, warnings: ['2 of 2 graphs are in use'] });
  });

  it('know what was done in them, newest first, page by page', async () => {
    await call(owner, `PUT /v1/orgs/${owner.orgId}`, { name: 'Renamed' });
    const url = `/v1/orgs/${owner.orgId}/audit`;
    interface Page {
      events: { action: string; actor_id: string; target: string; ip: string; request_id: string }[];
      next_cursor: string | null;
    }
    const seen: Page['events'] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const page: Page = (await call(admin, `GET ${url}?limit=2${cursor ? `&cursor=${cursor}` : ''}`)).json<Page>();
      seen.push(...page.events);
      cursor = page.next_cursor;
      pages += 1;
    } while (cursor);
    expect(pages).toBe(2);
    expect(seen.map((event) => event.action)).toEqual([
      'org.updated',
      'org.member_added',
      'org.member_added',
      'user.registered',
    ]);
    expect(seen[0]).toMatchObject({
      actor_id: owner.id,
      target: owner.orgId,
      ip: '127.0.0.1',
      request_id: expect.any(String) as string,
    });
    expect(await outcome(member, `GET ${url}`)).toEqual([403, 'role_required']);
    expect(await outcome(admin, `GET ${url}?limit=0`)).toEqual([422, 'invalid_request']);
    expect(await outcome(admin, `GET ${url}?cursor=x`)).toEqual([422, 'invalid_request']);
  });

  it('keep no trace of a change that was rolled back, nor a change without its trace', async () => {
    const audit = world.get(AuditService);
    const actor = { userId: owner.id, requestId: 'r', ip: null };
    const failing = world.get(Transactor).run(async (em) => {
      await em.query(`update org set name = 'Half' where id = $1`, [owner.orgId]);
      await audit.record(em, { actor, action: 'org.updated', orgId: owner.orgId });
      throw new Error('the work fails');
    });
    await expect(failing).rejects.toThrow('the work fails');
    const spy = jest.spyOn(audit, 'record').mockRejectedValueOnce(new Error('no audit'));
    expect((await call(owner, `PUT /v1/orgs/${owner.orgId}`, { name: 'Untraced' })).statusCode).toBe(500);
    spy.mockRestore();
    const [{ name }] = await world.sql<{ name: string }>(`select name from org where id = $1`, [owner.orgId]);
    expect(name).not.toMatch(/Half|Untraced/);
    expect(
      await world.sql(`select from audit_event where org_id = $1 and action = 'org.updated'`, [owner.orgId]),
    ).toEqual([]);
  });

  describe('and the accounts of people', () => {
    it('can be read and changed', async () => {
      const changed = await call(stranger, 'PUT /v1/user', { name: 'New Name', email: 'NEW@example.org' });
      expect(changed.json()).toEqual({
        id: stranger.id,
        name: 'New Name',
        email: 'new@example.org',
        email_verified: false,
        accounts: [],
      });
      expect(await outcome(stranger, 'PUT /v1/user', { email: owner.email })).toEqual([409, 'email_taken']);
      expect((await call(stranger, 'GET /v1/user')).json()).toMatchObject({ email: 'new@example.org' });
    });

    it('can be closed, unless an organisation would be left alone', async () => {
      expect(await outcome(owner, 'DELETE /v1/user', { password: PASSWORD })).toEqual([409, 'last_owner']);
      expect(await outcome(member, 'DELETE /v1/user', { password: 'wrong' })).toEqual([400, 'wrong_password']);
      const { headers } = await world.key(member);
      expect((await call(member, 'DELETE /v1/user', { password: PASSWORD })).statusCode).toBe(204);
      expect((await world.call('GET /v1/user', { headers })).statusCode).toBe(401);
      expect((await call(member, 'GET /v1/user')).statusCode).toBe(401);
      expect(Object.keys(await roles())).toEqual([owner.id, admin.id]);
      const again = { name: 'Back', email: member.email, password: PASSWORD };
      expect((await world.call('POST /v1/auth/register', { body: again })).statusCode).toBe(201);
    });
  });
});
