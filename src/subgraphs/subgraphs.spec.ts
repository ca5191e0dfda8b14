import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, Started } from '../../test/support/client';
import { PEOPLE, PERSONS } from '../../test/support/people';
import { PlatformWorld } from '../../test/support/platform-world';

type Body = Record<string, unknown>;

/** Subgraphs on a running platform, over HTTP as users do it. */
describe('subgraphs', () => {
  let world: PlatformWorld;
  let client: Client;
  let graph: string;

  beforeAll(async () => {
    world = await PlatformWorld.start();
    ({ client } = world);
  }, 90_000);
  afterAll(async () => {
    await world?.end();
  });
  beforeEach(async () => {
    graph = await client.createGraph(PEOPLE);
  }, 60_000);

  const at = (rest = '') => `/v1/graphs/${graph}/subgraphs${rest}`;
  const create = (name: string, more: object = {}) =>
    client.expect<Body>(200, 'POST', at(), { name, display_name: `Called ${name}`, ...more });
  const refusal = (method: string, path: string, body?: object) => client.refusal(method, path, body);
  const actions = async (): Promise<string[]> => {
    const { orgs } = await client.expect<{ orgs: { id: string }[] }>(200, 'GET', '/v1/orgs');
    const { events } = await client.expect<{ events: { action: string; outcome: string; target: string }[] }>(
      200,
      'GET',
      `/v1/orgs/${orgs[0].id}/audit?limit=100`,
    );
    const ours = events.filter(({ target }) => target?.startsWith(graph));
    return ours.map(({ action, outcome }) => `${action} ${outcome}`).reverse();
  };

  it('is answered when it is there: a graph with the types of its parent that every route serves', async () => {
    const made = await create('Dev', { description: 'to try things', metadata: { ticket: 7, tags: ['a'] } });
    expect(made).toMatchObject({
      graph_id: `${graph}_dev`,
      parent_graph_id: graph,
      subgraph_name: 'dev',
      subgraph_index: 1,
      display_name: 'Called Dev',
      description: 'to try things',
      subgraph_type: 'static',
      status: 'active',
      metadata: { ticket: 7, tags: ['a'] },
      forked: false,
      lineage: null,
      expires_at: null,
      node_count: 0,
      edge_count: 0,
      last_accessed: null,
    });
    const id = made.graph_id as string;
    await client.stage(id, 'Person', 'p.csv', PERSONS);
    await client.materialize(id);
    expect(await client.query(id, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 3 }]);
    expect(await client.query(graph, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 0 }]);
    const info = await client.expect<Body>(200, 'GET', at('/DEV/info'));
    expect(info).toMatchObject({ node_count: 3, staged_file_count: 1 });
    expect(info.size_mb as number).toBeGreaterThan(0);
    expect(await client.expect(200, 'GET', `/v1/graphs/${id}/info`)).toMatchObject({ node_count: 3 });
    const { graphs } = await client.expect<{ graphs: Body[] }>(200, 'GET', '/v1/graphs');
    expect(graphs.filter(({ parentGraphId }) => parentGraphId === graph)).toMatchObject([
      { graphId: id, isSubgraph: true, graphName: 'Called Dev' },
    ]);
  }, 60_000);

  it('counts towards its tier, and is listed with what it uses', async () => {
    expect(await client.expect(200, 'GET', at())).toMatchObject({ subgraphs_enabled: true, subgraph_count: 0 });
    for (const name of ['one', 'two', 'three']) await create(name);
    expect(await client.expect(200, 'GET', at('/quota'))).toMatchObject({
      parent_graph_id: graph,
      current_count: 3,
      max_allowed: 3,
      remaining: 0,
      max_size_mb: 3 * 10 * 1024,
    });
    const list = await client.expect<{ subgraphs: Body[] }>(200, 'GET', at());
    expect(list).toMatchObject({ parent_graph_name: 'test', subgraph_count: 3, max_subgraphs: 3 });
    expect(list.subgraphs.map(({ subgraph_name }) => subgraph_name)).toEqual(['one', 'two', 'three']);
    expect(await refusal('POST', at(), { name: 'four', display_name: 'f' })).toMatchObject({
      status: 403,
      code: 'subgraph_limit_reached',
      limit: 3,
    });
    await client.expect(200, 'DELETE', at('/two'), {});
    expect(await create('four')).toMatchObject({ subgraph_index: 4 });
    // Once more of those that are there already.
    await client.expect(200, 'DELETE', at('/four'));
    expect(await create('two')).toMatchObject({ status: 'active', node_count: 0 });
  }, 60_000);

  it('has all types of its parent, and those of the extensions that it asks for', async () => {
    const nodes = [{ name: 'Thing', properties: [{ name: 'id', type: 'STRING', is_primary_key: true }] }];
    graph = await client.createGraph({ name: 'things', nodes });
    const { extensions } = await client.expect<{ extensions: Body[] }>(200, 'GET', '/v1/graphs/extensions');
    const made = await create('more', { schema_extensions: [extensions[0].name] });
    const { node_labels: labels } = await client.expect<{ node_labels: string[] }>(
      200,
      'GET',
      `/v1/graphs/${made.graph_id as string}/info`,
    );
    expect(labels).toContain('Thing');
    expect(labels.length).toBeGreaterThan(1);
    expect(
      await refusal('POST', at(), { name: 'x', display_name: 'x', schema_extensions: ['nonsense'] }),
    ).toMatchObject({ status: 422, detail: [{ loc: ['body', 'schema_extensions', 0], type: 'unknown_extension' }] });
  }, 60_000);

  it('refuses what it cannot be, and says what it can', async () => {
    const wrong = async (body: object) => {
      const { status, detail, code } = await refusal('POST', at(), { name: 'ok', display_name: 'ok', ...body });
      return [status, code, Array.isArray(detail) ? (detail as Body[])[0].loc : null];
    };
    for (const name of ['', 'a_b', 'a-b', 'x'.repeat(21), 'ä'])
      expect([name, ...(await wrong({ name }))]).toEqual([name, 422, 'invalid_request', ['body', 'name']]);
    expect(await wrong({ display_name: ' ' })).toEqual([422, 'invalid_request', ['body', 'display_name']]);
    for (const subgraph_type of ['versioned', 'memory', 'other'])
      expect(await wrong({ subgraph_type })).toEqual([422, 'invalid_request', ['body', 'subgraph_type']]);
    expect(await wrong({ subgraph_type: 'temporal' })).toEqual([422, 'invalid_request', ['body', 'expires_at']]);
    expect(await wrong({ expires_at: '2001-01-01T00:00:00Z' })).toEqual([
      422,
      'invalid_request',
      ['body', 'expires_at'],
    ]);
    expect(await wrong({ unknown: 1 })).toEqual([422, 'invalid_request', ['body', 'unknown']]);
    await create('dev');
    expect(await refusal('POST', at(), { name: 'DEV', display_name: 'x' })).toMatchObject({
      status: 409,
      code: 'subgraph_name_taken',
      suggestion: 'dev2',
    });
    expect(await refusal('POST', `/v1/graphs/${graph}_dev/subgraphs`, { name: 'x', display_name: 'x' })).toMatchObject({
      status: 400,
      code: 'subgraph_of_subgraph',
    });
    expect(await client.expect(200, 'GET', `/v1/graphs/${graph}_dev/subgraphs`)).toMatchObject({
      subgraphs_enabled: false,
    });
    for (const path of ['/none/info', '/quota/info'])
      expect(await refusal('GET', at(path))).toMatchObject({ status: 404, code: 'subgraph_not_found' });
    expect(await actions()).toContain('subgraph.creation_requested failure');
  }, 60_000);

  it('is deleted with what it holds only by force, and its name is free again', async () => {
    const { graph_id: id } = await create('dev');
    await client.stage(id as string, 'Person', 'p.csv', PERSONS);
    await client.materialize(id as string);
    expect(await refusal('DELETE', at('/dev'), {})).toMatchObject({
      status: 409,
      code: 'subgraph_not_empty',
      node_count: 3,
      staged_files: 1,
    });
    expect(await client.expect(200, 'GET', at('/dev/info'))).toMatchObject({ status: 'active' });
    const deleted = await client.expect(200, 'DELETE', at('/dev'), { force: true, backup_first: false });
    expect(deleted).toMatchObject({ graph_id: id, status: 'deleted', backup_location: null });
    expect(await refusal('GET', `/v1/graphs/${id as string}/info`)).toMatchObject({ status: 404 });
    expect(await refusal('DELETE', at('/dev'), {})).toMatchObject({ status: 404 });
    expect(await client.expect(200, 'GET', at('/quota'))).toMatchObject({ current_count: 0 });
    expect(await create('dev')).toMatchObject({
      graph_id: id,
      node_count: 0,
      staged_file_count: 0,
      last_accessed: null,
    });
    expect(await client.query(id as string, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 0 }]);
    expect(await actions()).toEqual(
      expect.arrayContaining([
        'subgraph.creation_requested success',
        'subgraph.created success',
        'graph.deletion_requested success',
        'graph.deleted success',
      ]),
    );
  }, 60_000);

  it('is backed up before it is deleted, and stays where that cannot be done', async () => {
    const { graph_id: id } = (await create('dev')) as { graph_id: string };
    await client.stage(id, 'Person', 'p.csv', PERSONS);
    await client.materialize(id);
    const { generation } = await client.expect<Body>(200, 'GET', `/v1/graphs/${id}/info`);
    const folder = join(world.platform.dataDir, 'graphs', id, String(generation));
    renameSync(folder, `${folder}.away`);
    expect(await refusal('DELETE', at('/dev'), { force: true })).toMatchObject({
      code: 'subgraph_operation_failed',
      error_code: 'graph_unreadable',
    });
    renameSync(`${folder}.away`, folder);
    expect(await client.query(id, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 3 }]);
    expect(await client.expect(200, 'GET', `/v1/graphs/${id}/backups?status=failed`)).toMatchObject({ total_count: 1 });
    const deleted = await client.expect<Body>(200, 'DELETE', at('/dev'), { force: true });
    expect(deleted).toMatchObject({ graph_id: id, status: 'deleted' });
    expect(await refusal('GET', `/v1/graphs/${id}/info`)).toMatchObject({ status: 404 });
    const restored = await client.expect<Started>(202, 'POST', deleted.backup_location as string, {
      graph_name: 'Back',
    });
    await client.result(restored);
    expect(await client.query(restored.graph_id, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 3 }]);
    expect(await actions()).toEqual(
      expect.arrayContaining([
        'graph.deletion_failed failure',
        'graph.deletion_requested success',
        'graph.deleted success',
      ]),
    );
  }, 90_000);

  it('goes with its parent where that is said, and keeps it otherwise', async () => {
    await create('one');
    await create('two');
    expect(await refusal('DELETE', `/v1/graphs/${graph}`)).toMatchObject({
      status: 409,
      code: 'graph_has_subgraphs',
      subgraphs: [`${graph}_one`, `${graph}_two`],
    });
    expect(await client.query(graph, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 0 }]);
    const started = await client.expect<Started>(202, 'DELETE', `/v1/graphs/${graph}?cascade=true`);
    expect(await client.result(started)).toEqual({
      graph_id: graph,
      status: 'deleted',
      deleted_subgraphs: [`${graph}_one`, `${graph}_two`],
    });
    for (const id of [graph, `${graph}_one`, `${graph}_two`])
      expect(await refusal('GET', `/v1/graphs/${id}/info`)).toMatchObject({ status: 404 });
  }, 60_000);
});
