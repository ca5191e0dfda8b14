import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, Started } from '../../test/support/client';
import { KNOWS, PEOPLE, PERSONS } from '../../test/support/people';
import type { Platform } from '../../test/support/platform';
import { PlatformWorld } from '../../test/support/platform-world';

type Body = Record<string, unknown>;

const COUNT = 'MATCH (p:Person) RETURN count(*) AS n';
const PAIRS = 'MATCH (a)-[k:KNOWS]->(b) RETURN a.id AS f, b.id AS t, k.since AS s ORDER BY f';

/** Forks on a running platform, over HTTP as users do it. */
describe('forks', () => {
  let world: PlatformWorld;
  let platform: Platform;
  let client: Client;
  let graph: string;

  beforeAll(async () => {
    const limits = JSON.stringify({ '*': { max_subgraphs: 20 } });
    world = await PlatformWorld.start({ TIER_LIMITS: limits });
    ({ platform, client } = world);
  }, 90_000);
  afterAll(async () => {
    await world?.end();
  });
  beforeAll(async () => {
    graph = await client.createGraph(PEOPLE);
    await client.stage(graph, 'Person', 'persons.csv', PERSONS);
    await client.stage(graph, 'KNOWS', 'knows.csv', KNOWS);
    await client.materialize(graph);
  }, 90_000);

  const at = (rest = '') => `/v1/graphs/${graph}/subgraphs${rest}`;
  const begin = (name: string, fork_options?: object) =>
    client.expect<Started & Body>(200, 'POST', at(), {
      name,
      display_name: name,
      fork_parent: true,
      metadata: fork_options && { note: 'kept', fork_options },
    });
  const fork = async (name: string, fork_options?: object) => client.result(await begin(name, fork_options));
  const info = (name: string) => client.expect<Body>(200, 'GET', at(`/${name}/info`));
  const refusal = (method: string, path: string, body?: object) => client.refusal(method, path, body);

  it('of everything have the data, the types and the hash of their parent, and are independent of it', async () => {
    const parent = await client.expect<Body>(200, 'GET', `/v1/graphs/${graph}/info`);
    const started = await begin('dev');
    expect(started).toMatchObject({ operation_type: 'subgraph_fork', graph_id: `${graph}_dev`, status: 'pending' });
    expect(await client.result(started)).toMatchObject({
      graph_id: `${graph}_dev`,
      parent_graph_id: graph,
      parent_generation: parent.generation,
      node_count: 3,
      relationship_count: 2,
      staged_files_copied: 0,
      sha256: parent.sha256,
    });
    const child = `${graph}_dev`;
    expect(await client.query(child, PAIRS)).toEqual(await client.query(graph, PAIRS));
    expect(await info('dev')).toMatchObject({
      status: 'active',
      forked: true,
      fork_options: null,
      node_count: 3,
      edge_count: 2,
      staged_file_count: 0,
      lineage: { parent_graph_id: graph, parent_generation: parent.generation, generation: 1 },
    });
    // Each goes on alone.
    await client.stage(child, 'Person', 'more.csv', 'id,name\n9,Barbara\n');
    expect(await client.materialize(child)).toMatchObject({ mode: 'incremental' });
    expect(await client.query(child, COUNT)).toEqual([{ n: 4 }]);
    expect(await client.query(graph, COUNT)).toEqual([{ n: 3 }]);
    expect(await info('dev')).toMatchObject({ lineage: { generation: 1 } });
  }, 90_000);

  it('take a part: named types, nodes that meet a condition, and what joins them', async () => {
    const options = { tables: ['Person', 'KNOWS'], where: { Person: 'n.id <= 2' }, exclude_patterns: ['X*'] };
    expect(await fork('part', options)).toMatchObject({ nodes: { Person: 2 }, relationships: { KNOWS: 1 } });
    expect(await client.query(`${graph}_part`, PAIRS)).toEqual([{ f: 1, t: 2, s: 1900 }]);
    expect(await client.query(`${graph}_part`, 'MATCH (p:Person {id: 1}) RETURN p.name AS n, p.born AS b')).toEqual([
      { n: 'Ada', b: '1815-12-10' },
    ]);
    expect(await info('part')).toMatchObject({
      fork_options: options,
      metadata: { note: 'kept', fork_options: options },
      node_count: 2,
      edge_count: 1,
    });
    expect(await fork('nodes', { exclude_patterns: ['KNOWS'] })).toMatchObject({
      nodes: { Person: 3 },
      relationships: { KNOWS: 0 },
    });
    // The types are all there, so what was left out can be loaded later.
    await client.stage(`${graph}_nodes`, 'KNOWS', 'k.csv', 'from,to\n3,1\n');
    await client.materialize(`${graph}_nodes`);
    expect(await client.query(`${graph}_nodes`, PAIRS)).toEqual([{ f: 3, t: 1, s: null }]);
  }, 90_000);

  it('refuse what their parent does not have, and conditions that are none, before anything begins', async () => {
    const wrong = async (fork_options: unknown, more: object = {}) => {
      const body = { name: 'x', display_name: 'x', fork_parent: true, metadata: { fork_options }, ...more };
      const { status, detail } = await refusal('POST', at(), body);
      const [{ loc, msg, type }] = detail as { loc: string[]; msg: string; type: string }[];
      expect([status, loc.slice(0, 3)]).toEqual([422, ['body', 'metadata', 'fork_options']]);
      return [loc.slice(3).join('.'), type, msg];
    };
    expect(await wrong({ tables: ['Nobody'] })).toEqual([
      'tables.0',
      'unknown_table',
      'there is no type "Nobody"; there are Person, KNOWS',
    ]);
    expect((await wrong({ where: { Person: 'n.nothing = 1' } })).slice(0, 2)).toEqual([
      'where.Person',
      'query_invalid',
    ]);
    for (const condition of ['true) RETURN 1 //', `EXISTS { LOAD FROM '/etc/passwd' RETURN 1 }`])
      expect((await wrong({ where: { Person: condition } })).slice(0, 2)).toEqual([
        'where.Person',
        'statement_refused',
      ]);
    const writing = await wrong({ where: { Person: 'EXISTS { MATCH (x:Person) DELETE x }' } });
    expect(writing[1]).toMatch(/^(query_invalid|write_refused|statement_refused)$/);
    expect((await wrong({ tables: ['Person'] }, { fork_parent: false })).slice(0, 2)).toEqual(['', 'fork_parent']);
    expect(await refusal('GET', at('/x/info'))).toMatchObject({ status: 404 });
    expect(await client.query(graph, COUNT)).toEqual([{ n: 3 }]);
  }, 60_000);

  it('say that a condition kept rows of their files out', async () => {
    await fork('some', { include_staging: true, tables: ['Person'], where: { Person: 'n.id = 1' } });
    const child = `${graph}_some`;
    expect(await client.expect(200, 'GET', `/v1/graphs/${child}/materialize`)).toMatchObject({
      is_stale: true,
      stale_reason: expect.stringContaining('only some of the rows') as string,
    });
    expect(await client.query(child, COUNT)).toEqual([{ n: 1 }]);
    await client.materialize(child, { rebuild: true });
    expect(await client.query(child, COUNT)).toEqual([{ n: 3 }]);
  }, 90_000);

  it('that fail leave nothing but the reason', async () => {
    const { generation } = await client.expect<Body>(200, 'GET', `/v1/graphs/${graph}/info`);
    const quota = await client.expect(200, 'GET', at('/quota'));
    const folder = join(platform.dataDir, 'graphs', graph, String(generation));
    renameSync(folder, `${folder}.away`);
    try {
      for (const options of [undefined, { tables: ['Person'] }]) {
        await expect(fork('bad', { ...options, include_staging: true })).rejects.toThrow(/graph_unreadable/);
        expect(await client.expect(200, 'GET', at('/quota'))).toEqual(quota);
        expect(await refusal('GET', at('/bad/info'))).toMatchObject({ status: 404 });
        expect(readdirSync(join(platform.dataDir, 'graphs', `${graph}_bad`))).toEqual([]);
      }
    } finally {
      renameSync(`${folder}.away`, folder);
    }
    expect(await fork('bad')).toMatchObject({ node_count: 3 });
  }, 90_000);

  it('bring staged files along, and neither notices what becomes of the other', async () => {
    expect(await fork('files', { include_staging: true })).toMatchObject({ staged_files_copied: 2 });
    const child = `${graph}_files`;
    const files = async (id: string) =>
      (await client.expect<{ files: Body[] }>(200, 'GET', `/v1/graphs/${id}/files`)).files;
    const [theirs, own] = [await files(graph), await files(child)];
    expect(own.map(({ file_name }) => file_name)).toEqual(theirs.map(({ file_name }) => file_name));
    expect(await client.expect(200, 'GET', `/v1/graphs/${child}/materialize`)).toMatchObject({ is_stale: false });
    expect(await client.materialize(child)).toMatchObject({ skipped: true });
    const persons = theirs.find(({ file_name }) => file_name === 'persons.csv')!;
    await client.expect(200, 'DELETE', `/v1/graphs/${graph}/files/${persons.file_id as string}`);
    expect(await client.materialize(child, { rebuild: true })).toMatchObject({ rows_loaded: 5 });
    const knows = own.find(({ file_name }) => file_name === 'knows.csv')!;
    await client.expect(200, 'DELETE', `/v1/graphs/${child}/files/${knows.file_id as string}`);
    expect(await files(graph)).toHaveLength(1);
    expect(await files(child)).toHaveLength(1);
  }, 90_000);

  it('are reset to what their parent holds now, by the options that they were made with', async () => {
    const child = `${graph}_again`;
    const before = await client.expect<Body>(200, 'GET', `/v1/graphs/${graph}/info`);
    await fork('again', { where: { Person: 'n.id <> 2' } });
    await client.stage(child, 'Person', 'own.csv', 'id,name\n77,Own\n');
    await client.materialize(child);
    expect(await client.query(child, COUNT)).toEqual([{ n: 3 }]);
    const nodes = [{ label: 'Person', properties: { id: 78, name: 'New' } }];
    await client.result(await client.expect<Started>(202, 'POST', `/v1/graphs/${graph}/rows`, { nodes }));
    const ids = 'MATCH (p:Person) RETURN p.id AS id ORDER BY id';
    const result = await client.result(await client.expect<Started>(202, 'POST', at('/again/reset')));
    expect(result).toMatchObject({ graph_id: child, previous_generation: 2, generation: 3, nodes: { Person: 3 } });
    expect(await client.query(child, ids)).toEqual([{ id: 1 }, { id: 3 }, { id: 78 }]);
    expect(await info('again')).toMatchObject({
      // What was staged here stays, and is not in the data any more.
      staged_file_count: 1,
      lineage: { generation: 3, parent_generation: (before.generation as number) + 1 },
    });
    expect(await client.expect(200, 'GET', `/v1/graphs/${child}/materialize`)).toMatchObject({ is_stale: true });
    await client.expect(200, 'POST', `/v1/graphs/${child}/rollback`, {});
    expect(await client.query(child, ids)).toEqual([{ id: 1 }, { id: 3 }, { id: 77 }]);
    expect(await info('again')).toMatchObject({ lineage: { generation: 1 } });
    await client.expect(200, 'POST', `/v1/graphs/${graph}/rollback`, {});
  }, 90_000);

  it('that cannot be reset stay as they are', async () => {
    await fork('stays');
    const { generation } = await client.expect<Body>(200, 'GET', `/v1/graphs/${graph}/info`);
    const folder = join(platform.dataDir, 'graphs', graph, String(generation));
    renameSync(folder, `${folder}.away`);
    try {
      const started = await client.expect<Started>(202, 'POST', at('/stays/reset'));
      await expect(client.result(started)).rejects.toThrow(/graph_unreadable/);
    } finally {
      renameSync(`${folder}.away`, folder);
    }
    expect(await client.query(`${graph}_stays`, COUNT)).toEqual([{ n: 3 }]);
    expect(await info('stays')).toMatchObject({ status: 'active', lineage: { generation: 1 } });
    await client.expect(200, 'POST', at(), { name: 'plain', display_name: 'Plain' });
    expect(await refusal('POST', at('/plain/reset'))).toMatchObject({ status: 409, code: 'subgraph_not_forked' });
    expect(await refusal('POST', at('/none/reset'))).toMatchObject({ status: 404, code: 'subgraph_not_found' });
    const [one, two] = await Promise.all([0, 1].map(() => client.request('POST', at('/stays/reset'))));
    expect([one.status, two.status].sort()).toEqual([202, 409]);
  }, 90_000);
});
