import { Client } from '../support/client';
import { type TestDatabase, testDatabase } from '../support/database';
import { PEOPLE } from '../support/people';
import { Platform } from '../support/platform';

interface OpenApi {
  paths: Record<string, Record<string, unknown>>;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** Every route that names a graph, an operation or an organisation, asked for by somebody who has no business there. */
describe('another organisation', () => {
  let database: TestDatabase;
  let remove: () => Promise<void>;
  let platform: Platform;
  let owner: Client;
  let stranger: Client;
  let ids: Record<string, string>;

  beforeAll(async () => {
    database = await testDatabase();
    const made = await Platform.newDataDir();
    remove = made.remove;
    platform = await Platform.start(made.dataDir, { DATABASE_URL: database.url });
    owner = new Client(platform.url, platform.credentials.api_key);
    const graphId = await owner.createGraph(PEOPLE);
    const file = await owner.expect<{ file_id: string }>(200, 'POST', `/v1/graphs/${graphId}/files`, {
      file_name: 'a.csv',
      table_name: 'Person',
      content_type: 'text/csv',
    });
    const operation = await owner.expect<{ operation_id: string }>(
      200,
      'POST',
      `/v1/graphs/${graphId}/materialize`,
      {},
    );
    const subgraph = { name: 'dev', display_name: 'Dev' };
    await owner.expect(200, 'POST', `/v1/graphs/${graphId}/subgraphs`, subgraph);
    const { orgs } = await owner.expect<{ orgs: { id: string }[] }>(200, 'GET', '/v1/orgs');
    const me = await owner.expect<{ id: string }>(200, 'GET', '/v1/user');
    ids = {
      graph_id: graphId,
      subgraph_name: subgraph.name,
      file_id: file.file_id,
      operation_id: operation.operation_id,
      org_id: orgs[0].id,
      user_id: me.id,
    };
    ({ client: stranger } = await Client.register(platform.url, 'stranger@example.org'));
  }, 90_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
    await database.drop();
  });

  it('gets 404 everywhere, as if nothing of the kind existed', async () => {
    const { paths } = await owner.expect<OpenApi>(200, 'GET', '/openapi.json');
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      METHODS.filter((method) => method in methods && /\{(graph|operation|org)_id\}/.test(path))
        // Those of operators say what is missing before they look at any graph; see the next test.
        .filter(() => !path.startsWith('/v1/admin/'))
        // Anybody may subscribe to a repository, which this names; see below for what is none.
        .filter((method) => `${method} ${path}` !== 'post /v1/graphs/{graph_id}/subscriptions')
        .map((method) => ({ method, path })),
    );
    expect(routes.length).toBeGreaterThan(25);
    const answers = await Promise.all(
      [ids, { ...ids, graph_id: `${ids.graph_id}_dev` }].flatMap((known) =>
        routes.map(async ({ method, path }) => {
          const real = path.replace(
            /\{(\w+)\}/g,
            (_, name: string) => known[name] ?? '00000000-0000-4000-8000-000000000000',
          );
          const response = await stranger.request(
            method.toUpperCase(),
            real,
            /post|put|patch/.test(method) ? {} : undefined,
          );
          await response.body?.cancel();
          return `${method} ${path} of ${known.graph_id} ${response.status}`;
        }),
      ),
    );
    expect(answers.filter((answer) => !answer.endsWith(' 404'))).toEqual([]);
  });

  it('cannot subscribe to a graph that is not offered, nor learn whether it is there', async () => {
    for (const id of [ids.graph_id, 'kg0000000000000000', 'nothing']) {
      const refused = await stranger.refusal('POST', `/v1/graphs/${id}/subscriptions`, { plan_name: 'basic' });
      expect(refused).toMatchObject({ status: 404, code: 'repository_not_found' });
    }
  });

  it('gets 403 on every route for operators', async () => {
    const { paths } = await owner.expect<OpenApi>(200, 'GET', '/openapi.json');
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      path.startsWith('/v1/admin/')
        ? METHODS.filter((method) => method in methods).map((method) => [method, path])
        : [],
    );
    expect(routes).toContainEqual(['put', '/v1/admin/operators/{user_id}']);
    for (const [method, path] of routes) {
      const body = /post|put|patch/.test(method) ? {} : undefined;
      const response = await stranger.request(method.toUpperCase(), path.replace(/\{\w+\}/g, ids.operation_id), body);
      expect([method, path, await response.json()]).toMatchObject([method, path, { code: 'operator_required' }]);
    }
    expect((await owner.request('GET', '/v1/admin/operators')).status).toBe(200);
  });

  it('sees none of it in lists', async () => {
    expect(await stranger.expect(200, 'GET', '/v1/operations')).toEqual({ operations: [], next_cursor: null });
    expect(await stranger.expect(200, 'GET', '/v1/graphs')).toEqual({ graphs: [], selectedGraphId: null });
    const { orgs } = await stranger.expect<{ orgs: { id: string }[] }>(200, 'GET', '/v1/orgs');
    expect(orgs.map((org) => org.id)).not.toContain(ids.org_id);
  });

  it('is nobody without a credential', async () => {
    for (const path of ['/v1/graphs', `/v1/graphs/${ids.graph_id}/info`, '/v1/user']) {
      expect((await fetch(new URL(path, platform.url))).status).toBe(401);
    }
  });
});
