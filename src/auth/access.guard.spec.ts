import { Controller, Get, Module } from '@nestjs/common';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import { eventually } from '../../test/support/eventually';
import { IdentityApp, type Person } from '../../test/support/identity-app';
import { Requires } from './requires';

/** In a path: decoded to a character that Postgres cannot take. */
const NULL_BYTE = '%00';

describe('the guard', () => {
  let database: TestDatabase;
  let world: IdentityApp;

  beforeAll(async () => {
    database = await testDatabase();
    world = await IdentityApp.start(database.url);
  });

  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  /** Status and problem code of a call. */
  const outcome = async (route: string, headers?: Record<string, string>): Promise<[number, string | undefined]> => {
    const response = await world.call(route, { headers });
    return [response.statusCode, response.body === '' ? undefined : response.json<{ code?: string }>().code];
  };
  const status = async (route: string, { headers }: { headers: Record<string, string> }) =>
    (await outcome(route, headers))[0];
  const GRAPH_ROUTES = (id: string) => [
    `GET /probe/graphs/${id}/view`,
    `POST /probe/graphs/${id}/query`,
    `POST /probe/graphs/${id}/write`,
    `DELETE /probe/graphs/${id}`,
  ];

  describe('who calls', () => {
    it.each([
      ['nothing', {}],
      ['an unknown key', { 'x-api-key': 'gs_unknown' }],
      ['an unknown token', { authorization: 'Bearer gss_unknown' }],
      ['another scheme', { authorization: 'Basic YTpi' }],
      ['two tokens', { authorization: 'Bearer a b' }],
      ['an empty token', { authorization: 'Bearer ' }],
    ])('is not answered by %s', async (_what, headers: Record<string, string>) => {
      const response = await world.call('GET /v1/auth/me', { headers });
      expect(response.statusCode).toBe(401);
      expect(response.headers['content-type']).toContain('application/problem+json');
      expect(response.json()).toMatchObject({ code: 'unauthenticated', request_id: expect.any(String) as string });
    });

    it('is the bearer, even a wrong one, rather than the API key', async () => {
      const ada = await world.person();
      const { headers: key } = await world.key(ada);
      const bob = await world.person();
      const both = await world.call('GET /v1/auth/me', { headers: { ...key, ...bob.headers } });
      expect(both.json()).toMatchObject({ id: bob.id });
      expect(await status('GET /v1/auth/me', { headers: { ...key, authorization: 'Bearer gss_wrong' } })).toBe(401);
    });

    it('may be an API key as bearer, and in the query where a route allows it', async () => {
      const ada = await world.person();
      const key = (await world.key(ada)).headers['x-api-key'];
      expect(await status('GET /v1/auth/me', { headers: { authorization: `Bearer ${key}` } })).toBe(200);
      const id = await world.operation({ orgId: ada.orgId, graphId: null, userId: ada.id });
      expect(await outcome(`GET /probe/operations/${id}?token=${key}`)).toEqual([200, undefined]);
      expect((await outcome(`POST /probe/operations/${id}/cancel?token=${key}`))[0]).toBe(401);
      expect((await outcome(`GET /v1/auth/me?token=${key}`))[0]).toBe(401);
    });
  });

  describe('roles', () => {
    let owner: Person,
      admin: Person,
      graphAdmin: Person,
      member: Person,
      viewer: Person,
      colleague: Person,
      stranger: Person;
    let graph: string, sub: string;

    beforeAll(async () => {
      [owner, admin, graphAdmin, member, viewer, colleague, stranger] = await Promise.all(
        Array.from({ length: 7 }, () => world.person()),
      );
      await world.join(owner, admin, 'admin');
      graph = await world.graph(owner.orgId);
      sub = await world.graph(owner.orgId, { parentId: graph });
      for (const person of [graphAdmin, member, viewer, colleague]) await world.join(owner, person, 'member');
      for (const [person, role] of [
        [graphAdmin, 'admin'],
        [member, 'member'],
        [viewer, 'viewer'],
      ] as const) {
        const body = { user_id: person.id, role };
        const added = await world.call(`POST /v1/graphs/${graph}/members`, { headers: owner.headers, body });
        expect(added.statusCode).toBe(201);
      }
    });

    it('are the same for a graph and its subgraphs, for each kind of person', async () => {
      const matrix: [Person, number[]][] = [
        [owner, [200, 201, 201, 200]],
        [admin, [200, 201, 201, 200]],
        [graphAdmin, [200, 201, 201, 200]],
        [member, [200, 201, 201, 403]],
        [viewer, [200, 201, 403, 403]],
        [colleague, [404, 404, 404, 404]],
        [stranger, [404, 404, 404, 404]],
      ];
      for (const id of [graph, sub]) {
        for (const [person, expected] of matrix) {
          const actual = await Promise.all(GRAPH_ROUTES(id).map((route) => status(route, person)));
          expect(actual).toEqual(expected);
        }
      }
    });

    it('say which one is missing', async () => {
      const response = await world.call(`POST /probe/graphs/${graph}/write`, { headers: viewer.headers });
      expect(response.json()).toMatchObject({ code: 'role_required', required_role: 'member', role: 'viewer' });
      expect(response.json<{ detail: string }>().detail).toContain('"member"');
    });

    it('give the route what it needs of the graph', async () => {
      const response = await world.call(`GET /probe/graphs/${sub}/view`, { headers: viewer.headers });
      expect(response.json()).toEqual({
        id: sub,
        orgId: owner.orgId,
        parentId: graph,
        status: 'active',
        tier: 'standard',
        role: 'viewer',
      });
    });

    it('follow an operation’s graph, its organisation or its starter', async () => {
      const onGraph = await world.operation({ orgId: owner.orgId, graphId: sub, userId: member.id });
      const see = (id: string, who: Person) => status(`GET /probe/operations/${id}`, who);
      const cancel = (id: string, who: Person) => status(`POST /probe/operations/${id}/cancel`, who);
      expect(await Promise.all([owner, member, viewer, colleague, stranger].map((who) => see(onGraph, who)))).toEqual([
        200, 200, 200, 404, 404,
      ]);
      expect(await Promise.all([owner, member, viewer, stranger].map((who) => cancel(onGraph, who)))).toEqual([
        201, 201, 403, 404,
      ]);
      const ofOrg = await world.operation({ orgId: owner.orgId, graphId: null, userId: colleague.id });
      expect(await Promise.all([owner, admin, colleague, member, stranger].map((who) => cancel(ofOrg, who)))).toEqual([
        201, 201, 201, 404, 404,
      ]);
    });

    it('still show the operations of a graph that was deleted, and the graph no more', async () => {
      const doomed = await world.graph(owner.orgId);
      const doomedSub = await world.graph(owner.orgId, { parentId: doomed });
      const operation = await world.operation({ orgId: owner.orgId, graphId: doomed, userId: owner.id });
      for (const id of [doomed, doomedSub]) expect(await status(GRAPH_ROUTES(id)[0], owner)).toBe(200);
      await world.sql(`update graph set status = 'deleted' where id = $1`, [doomed]);
      // Another writer changed the row: the news takes its milliseconds.
      await eventually(
        'it is gone',
        () => status(GRAPH_ROUTES(doomed)[0], owner),
        (code) => code === 404,
      );
      expect(await status(GRAPH_ROUTES(doomedSub)[0], owner)).toBe(404);
      expect(await status(`GET /probe/operations/${operation}`, owner)).toBe(200);
      expect(await status(`GET /probe/operations/${operation}`, stranger)).toBe(404);
    });
  });

  it('answers the same for another’s, an unknown and a malformed id', async () => {
    const [ada, bob] = await Promise.all([world.person(), world.person()]);
    const graph = await world.graph(bob.orgId);
    const operation = await world.operation({ orgId: bob.orgId, graphId: graph, userId: bob.id });
    const ids = {
      graph_not_found: [
        graph,
        'kg00000000000000000000',
        `${graph}_none`,
        'kg1',
        'KG00000000000000000000',
        "x';drop",
        NULL_BYTE,
      ],
      org_not_found: [bob.orgId, '00000000-0000-4000-8000-000000000000', 'nonsense', NULL_BYTE],
      operation_not_found: [operation, 'op_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'op_1', NULL_BYTE],
    };
    const routes: Record<keyof typeof ids, (id: string) => string[]> = {
      graph_not_found: (id) => [...GRAPH_ROUTES(id), `GET /v1/graphs/${id}/members`, `POST /v1/graphs/${id}/members`],
      org_not_found: (id) => [
        `GET /v1/orgs/${id}`,
        `PUT /v1/orgs/${id}`,
        ...['graphs', 'members', 'limits', 'audit'].map((part) => `GET /v1/orgs/${id}/${part}`),
        `POST /v1/orgs/${id}/members`,
        `PUT /v1/orgs/${id}/members/${bob.id}`,
        `DELETE /v1/orgs/${id}/members/${bob.id}`,
      ],
      operation_not_found: (id) => [`GET /probe/operations/${id}`, `POST /probe/operations/${id}/cancel`],
    };
    for (const code of Object.keys(ids) as (keyof typeof ids)[]) {
      const bodies = new Set<string>();
      for (const id of ids[code]) {
        for (const route of routes[code](id === NULL_BYTE ? id : encodeURI(id))) {
          const response = await world.call(route, { headers: ada.headers });
          expect([route, response.statusCode]).toEqual([route, 404]);
          const { type, title, detail, code: actual } = response.json<Record<string, string>>();
          expect(actual).toBe(code);
          bodies.add(JSON.stringify({ type, title, detail }));
        }
      }
      expect(bodies.size).toBe(1);
    }
  });

  it('writes refused changes down, in the organisation’s log where the caller belongs to it', async () => {
    const [ada, bob] = await Promise.all([world.person(), world.person()]);
    const graph = await world.graph(ada.orgId);
    await world.call(`POST /probe/graphs/${graph}/write`, { headers: bob.headers });
    await world.join(ada, bob, 'member');
    await world.call(`PUT /v1/orgs/${ada.orgId}`, { headers: bob.headers, body: { name: 'Mine' } });
    await world.call(`GET /probe/graphs/${graph}/view`, { headers: bob.headers });
    await world.call(`DELETE /probe/graphs/${NULL_BYTE}`, { headers: bob.headers });
    const rows = await world.sql<{ org_id: string | null; target: string; details: { code: string } }>(
      `select org_id, target, details from audit_event where action = 'access.denied' and actor_id = $1 order by id`,
      [bob.id],
    );
    expect(rows).toMatchObject([
      { org_id: null, target: graph, details: { code: 'graph_not_found' } },
      { org_id: ada.orgId, target: ada.orgId, details: { code: 'role_required' } },
      { org_id: null, target: '\ufffd', details: { code: 'graph_not_found' } },
    ]);
  });

  it('keeps an application with an unguarded route from starting', async () => {
    @Controller('open')
    class ForgottenController {
      @Get()
      list(): string[] {
        return [];
      }

      @Get('one')
      @Requires('graph:viewer')
      one(): string {
        return '';
      }
    }
    @Module({ controllers: [ForgottenController] })
    class ForgottenModule {}
    await expect(IdentityApp.start(database.url, { modules: [ForgottenModule] })).rejects.toThrow(
      /ForgottenController\.list: say @Requires[^]*ForgottenController\.one: [^]*needs :graph_id in its path/,
    );
  });
});
