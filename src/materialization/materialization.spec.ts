import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, Started } from '../../test/support/client';
import { withDatabase } from '../../test/support/database';
import { KNOWS, PEOPLE, PERSONS } from '../../test/support/people';
import type { Platform } from '../../test/support/platform';
import { PlatformWorld } from '../../test/support/platform-world';

type Body = Record<string, unknown>;

/** Materialization on a running platform, over HTTP as users do it. */
describe('materialization', () => {
  let world: PlatformWorld;
  let platform: Platform;
  let client: Client;
  let graph: string;

  beforeAll(async () => {
    world = await PlatformWorld.start({
      TIER_LIMITS: JSON.stringify({ 'ladybug-large': { nodes: 2 }, 'ladybug-xlarge': { storage_gb: 1 } }),
    });
    ({ platform, client } = world);
  }, 90_000);
  afterAll(async () => {
    await world?.end();
  });
  beforeEach(async () => {
    graph = await client.createGraph(PEOPLE);
  });

  const at = (rest: string) => `/v1/graphs/${graph}/${rest}`;
  const stage = async (table: string, content: string): Promise<string> => {
    const response = await client.stage(graph, table, `${table}.csv`, content);
    if (response.status !== 200) throw new Error(await response.text());
    return ((await response.json()) as { file_id: string }).file_id;
  };
  const people = () => client.query(graph, 'MATCH (p:Person) RETURN p.id AS id, p.name AS name ORDER BY id');
  const knows = () => client.query(graph, 'MATCH (a)-[:KNOWS]->(b) RETURN a.id AS f, b.id AS t ORDER BY f, t');
  const status = () => client.expect(200, 'GET', at('materialize'));
  const history = async () =>
    (await client.expect<{ materializations: Body[] }>(200, 'GET', at('materializations'))).materializations;
  const loaded = async () => {
    await stage('Person', PERSONS);
    await stage('KNOWS', KNOWS);
    return client.materialize(graph);
  };
  const refusal = (method: string, path: string, body?: object) => client.refusal(method, path, body);

  it('loads only new files: nodes by key, relationships once, and the same as a rebuild would give', async () => {
    expect(await loaded()).toMatchObject({ mode: 'rebuild', rows_loaded: 5 });
    const file = await stage('Person', 'id,name,born\n3,Edsger W.,\n4,Barbara,1939-11-07\n');
    await stage('KNOWS', 'from,to,since\n4,1,1990\n1,9,2000\n');
    expect(await client.materialize(graph)).toMatchObject({
      mode: 'incremental',
      rows_loaded: 3,
      rows_rejected: 1,
      tables: [
        { table_name: 'Person', rows_loaded: 2, rows_before: 3, rows_in_graph: 4 },
        { table_name: 'KNOWS', rows_loaded: 1, rows_rejected: 1, rows_in_graph: 3, reasons: { to_not_found: 1 } },
      ],
    });
    const [nodes, edges] = [await people(), await knows()];
    expect(nodes).toMatchObject([{ id: 1 }, { id: 2 }, { id: 3, name: 'Edsger W.' }, { id: 4, name: 'Barbara' }]);
    expect(edges).toHaveLength(3);
    expect(await client.query(graph, 'MATCH (p:Person {id: 3}) RETURN p.born AS born')).toEqual([{ born: null }]);
    expect(await status()).toMatchObject({ is_stale: false, materialization_count: 2 });
    expect(await client.materialize(graph)).toMatchObject({ skipped: true, mode: 'none' });
    expect(await client.materialize(graph, { mode: 'incremental' })).toMatchObject({ skipped: true });
    expect(await knows()).toEqual(edges);
    expect((await history()).map(({ mode, is_live, files }) => [mode, is_live, (files as Body[]).length])).toEqual([
      ['incremental', true, 2],
      ['rebuild', false, 2],
    ]);
    expect((await history())[0]).toMatchObject({
      base_generation: 2,
      rows_loaded: 3,
      rows_rejected: 1,
      superseded_at: null,
      files: [{ file_id: file, table_name: 'Person', row_count: 2 }, { table_name: 'KNOWS' }],
    });
    expect(await client.materialize(graph, { rebuild: true })).toMatchObject({ mode: 'rebuild', rows_replaced: 1 });
    expect(await people()).toEqual(nodes);
    expect(await knows()).toEqual(edges);
  }, 60_000);

  it('says in a dry run what would be loaded, and changes nothing', async () => {
    await loaded();
    await stage('Person', 'id,name,born\n3,Edsger W.,\n4,Barbara,\n,Nobody,\n');
    const file = await stage('KNOWS', 'from,to,since\n4,1,1990\n1,9,2000\n');
    const before = await status();
    expect(await client.expect(200, 'POST', at('materialize'), { dry_run: true })).toMatchObject({
      status: 'dry_run',
      operation_id: null,
      mode: 'incremental',
      limit_check: { within_limits: true, exceeded: [], limits: { nodes: 5_000_000 } },
      files_added: [{ table_name: 'Person' }, { file_id: file }],
      files_removed: [],
      tables: [
        { table_name: 'Person', rows_staged: 6, rows_in_graph: 3, would_load: 2, would_reject: 1 },
        { table_name: 'KNOWS', rows_staged: 4, rows_in_graph: 2, would_load: 1, reasons: { to_not_found: 1 } },
      ],
    });
    expect(await client.expect(200, 'POST', at('materialize'), { dry_run: true, rebuild: true })).toMatchObject({
      mode: 'rebuild',
      tables: [{ would_load: 4, would_replace: 1 }, { would_load: 3 }],
    });
    expect(await status()).toMatchObject({ generation: before.generation, stale_since: before.stale_since });
    expect(await history()).toHaveLength(1);
    expect(readdirSync(join(platform.dataDir, 'dry-runs'))).toEqual([]);
  }, 60_000);

  it('needs a rebuild once a file that the graph holds was removed, and does it unless told not to', async () => {
    await loaded();
    const extra = await stage('KNOWS', 'from,to,since\n3,1,1990\n');
    await client.materialize(graph);
    await client.expect(200, 'DELETE', at(`files/${extra}`));
    expect(await status()).toMatchObject({ is_stale: true, stale_reason: expect.stringContaining('KNOWS') as string });
    expect(await refusal('POST', at('materialize'), { mode: 'incremental' })).toMatchObject({
      status: 409,
      code: 'rebuild_needed',
    });
    expect(await client.materialize(graph)).toMatchObject({ mode: 'rebuild' });
    expect(await knows()).toHaveLength(2);
  }, 60_000);

  it('refuses a new file without a good row, and leaves the graph as it was', async () => {
    await loaded();
    await stage('Person', 'id,name,born\n,Nobody,\n');
    await expect(client.materialize(graph)).rejects.toThrow('table_wholly_rejected');
    expect(await people()).toHaveLength(3);
    expect(await status()).toMatchObject({ is_stale: true, generation: 2 });
    expect(await history()).toHaveLength(1);
  }, 60_000);

  it('takes the last publish back at once, and loads the file again that was lost by it', async () => {
    await loaded();
    await stage('Person', 'id,name,born\n4,Barbara,\n');
    await client.materialize(graph);
    expect(await people()).toHaveLength(4);
    expect(await refusal('POST', at('rollback'), { generation: 2 })).toMatchObject({
      status: 409,
      code: 'not_the_live_generation',
      live_generation: 3,
    });
    expect(await client.expect(200, 'POST', at('rollback'), { generation: 3 })).toMatchObject({
      generation: 2,
      taken_back: 3,
    });
    expect(await people()).toHaveLength(3);
    expect(await status()).toMatchObject({
      is_stale: true,
      generation: 2,
      stale_reason: 'generation 3 was taken back',
    });
    const [last, first] = await history();
    expect(last).toMatchObject({ generation: 3, is_live: false, superseded_at: expect.any(String) as string });
    expect(first).toMatchObject({ generation: 2, is_live: true, superseded_at: null });
    expect(await client.materialize(graph)).toMatchObject({ mode: 'incremental', rows_loaded: 1, generation: 4 });
    expect(await people()).toHaveLength(4);
    // To the generation that was made when the graph was created, and no further.
    await client.expect(200, 'POST', at('rollback'), {});
    await client.expect(200, 'POST', at('rollback'), {});
    expect(await people()).toEqual([]);
    expect(await refusal('POST', at('rollback'), {})).toMatchObject({ status: 409, code: 'no_previous_generation' });
  }, 60_000);

  it('refuses more than the tier allows, with the figures', async () => {
    const creation = await client.expect<Started>(202, 'POST', '/v1/graphs', {
      metadata: { graph_name: 'small' },
      instance_tier: 'ladybug-large',
      custom_schema: PEOPLE,
    });
    await client.result(creation);
    graph = creation.graph_id;
    await stage('Person', PERSONS);
    expect(await refusal('POST', at('materialize'), {})).toMatchObject({
      status: 413,
      code: 'content_too_large',
      exceeded: expect.arrayContaining([{ limit: 'nodes', allowed: 2, actual: 3 }]) as unknown,
    });
    expect(await client.expect(200, 'POST', at('materialize'), { dry_run: true })).toMatchObject({
      limit_check: { within_limits: false, exceeded: expect.arrayContaining([expect.anything()]) as unknown },
    });
    expect(await history()).toEqual([]);
  }, 60_000);

  it('refuses a build that takes more storage than the tier allows, with the figures', async () => {
    const creation = await client.expect<Started>(202, 'POST', '/v1/graphs', {
      metadata: { graph_name: 'full' },
      instance_tier: 'ladybug-xlarge',
      custom_schema: PEOPLE,
    });
    await client.result(creation);
    graph = creation.graph_id;
    await stage('Person', PERSONS);
    await withDatabase(world.database.url, (query) =>
      query('update staged_file set size_bytes = $2 where graph_id = $1', [graph, 1024 ** 3 - 1_000]),
    );
    const failed = client.materialize(graph);
    await expect(failed).rejects.toThrow('storage_limit_reached');
    await expect(failed).rejects.toThrow(/"limit_gb":1,"used_bytes":1073740824,"added_bytes":\d+/);
    expect(await people()).toEqual([]);
    expect(await history()).toEqual([]);
    const info = await client.expect<Body>(200, 'GET', at('info'));
    expect(info).toMatchObject({ is_stale: true, stale_reason: expect.stringContaining('Person') as string });
    expect(Date.parse(String(info.stale_since))).toBeLessThanOrEqual(Date.now());
    await withDatabase(world.database.url, (query) =>
      query('update staged_file set size_bytes = 50 where graph_id = $1', [graph]),
    );
    await client.materialize(graph);
    expect(await client.expect(200, 'GET', at('info'))).toMatchObject({
      is_stale: false,
      stale_reason: null,
      stale_since: null,
    });
  }, 60_000);

  const add = async (body: object, key?: string): Promise<Body> => {
    const response = await client.request('POST', at('rows'), body, {
      prefer: 'wait=30',
      ...(key !== undefined && { 'idempotency-key': key }),
    });
    return { http: response.status, ...((await response.json()) as Body) };
  };

  it('adds rows that come with a request, once, and keeps them through a rebuild', async () => {
    await loaded();
    const rows = {
      nodes: [
        { label: 'Person', properties: { id: 3, name: 'Edsger W.' } },
        { label: 'Person', properties: { id: '4', name: 'Barbara', born: '1939-11-07' } },
      ],
      relationships: [{ type: 'KNOWS', from: 4, to: 1, properties: { since: 1990 } }],
    };
    for (let time = 0; time < 2; time += 1) {
      expect(await add(rows, 'once')).toMatchObject({ status: 'completed', result: { rows_loaded: 3, generation: 3 } });
    }
    const [nodes, edges] = [await people(), await knows()];
    expect(nodes).toMatchObject([{ id: 1 }, { id: 2 }, { id: 3, name: 'Edsger W.' }, { id: 4, name: 'Barbara' }]);
    expect(edges).toHaveLength(3);
    expect(await status()).toMatchObject({ is_stale: false });
    expect((await history())[0]).toMatchObject({ mode: 'rows', rows_loaded: 3 });
    await client.materialize(graph, { rebuild: true });
    expect(await people()).toEqual(nodes);
    expect(await knows()).toEqual(edges);
  }, 60_000);

  it('keeps the moment that a time means, wherever it was said', async () => {
    const properties = [
      { name: 'id', type: 'INT64', is_primary_key: true },
      { name: 'plain', type: 'TIMESTAMP' },
      { name: 'zoned', type: 'TIMESTAMP_TZ' },
      { name: 'list', type: 'TIMESTAMP[]' },
    ];
    graph = await client.createGraph({ name: 'moments', nodes: [{ name: 'N', properties }] });
    const times = [
      '2020-01-01T10:00:00+02:00',
      '2020-01-01 03:00:00.5-05',
      '2020-01-01 08:00:00',
      '2020-01-01T08:00:00.000001Z',
    ];
    const nodes = times.map((time, id) => ({ label: 'N', properties: { id, plain: time, zoned: time, list: [time] } }));
    expect(await add({ nodes: nodes.slice(0, 2) })).toMatchObject({ status: 'completed' });
    const lines = times.slice(2).map((time, at) => `${at + 2},${time},${time},"[""${time}""]"`);
    await stage('N', `id,plain,zoned,list\n${lines.join('\n')}\n`);
    await client.materialize(graph);
    const moments = [
      '2020-01-01T08:00:00Z',
      '2020-01-01T08:00:00.500Z',
      '2020-01-01T08:00:00Z',
      '2020-01-01T08:00:00.000001Z',
    ];
    expect(
      await client.query(graph, 'MATCH (n:N) RETURN n.plain AS p, n.zoned AS z, n.list AS l ORDER BY n.id'),
    ).toEqual(moments.map((moment) => ({ p: moment, z: moment, l: [moment] })));
  }, 60_000);

  it('gives back every nested value that came with a request as it came', async () => {
    const types = {
      embedding: 'DOUBLE[3]',
      weights: 'FLOAT[]',
      counts: 'INT64[2]',
      spans: 'INTERVAL[]',
      files: 'BLOB[]',
      named: 'MAP(STRING, INT64)',
      mixed: 'STRUCT(a INT64[], b BLOB)',
    };
    const properties = Object.entries({ id: 'INT64', ...types }).map(([name, type]) => ({
      name,
      type,
      is_primary_key: name === 'id',
    }));
    graph = await client.createGraph({ name: 'nested', nodes: [{ name: 'N', properties }] });
    const values = {
      embedding: [0.1, -2, 3e300],
      weights: [0.1, 1.5],
      counts: [1, '9007199254740993'],
      spans: ['P1Y2M3DT4H5M6.000007S', null],
      files: ['AP8KIg==', ''],
      named: { a: 1, b: null },
      mixed: { a: ['-9007199254740993', null], b: 'AP8=' },
    };
    const nodes = [
      { label: 'N', properties: { id: 1, ...values } },
      { label: 'N', properties: { id: 2 } },
    ];
    expect(await add({ nodes })).toMatchObject({ status: 'completed', error: null });
    const columns = Object.keys(types).map((name) => `n.${name} AS ${name}`);
    const found = await client.query(graph, `MATCH (n:N) RETURN ${columns.join(', ')} ORDER BY n.id`);
    expect(found).toEqual([values, Object.fromEntries(Object.keys(types).map((name) => [name, null]))]);
    expect(await add({ nodes: [{ label: 'N', properties: { id: 3, embedding: 1 } }] })).toMatchObject({ http: 422 });
  }, 60_000);

  it('says everything that is wrong with rows at once, and changes nothing', async () => {
    await loaded();
    const wrong = await add({
      nodes: [
        { label: 'Person', properties: { name: 5, colour: 'red' } },
        { label: 'Robot', properties: {} },
      ],
      relationships: [{ type: 'KNOWS', from: 1.5, to: 2 }],
    });
    expect(wrong.http).toBe(422);
    expect((wrong.detail as { loc: unknown[] }[]).map(({ loc }) => loc.join('.')).sort()).toEqual([
      'body.nodes.0.properties.colour',
      'body.nodes.0.properties.id',
      'body.nodes.0.properties.name',
      'body.nodes.1.label',
      'body.relationships.0.from',
    ]);
    const dangling = await add({ nodes: [], relationships: [{ type: 'KNOWS', from: 1, to: 99 }] });
    expect(dangling).toMatchObject({ status: 'failed' });
    expect(JSON.stringify(dangling.error)).toContain('to_not_found');
    const many = Array.from({ length: 10_001 }, () => ({ type: 'KNOWS', from: 1, to: 2 }));
    expect(await add({ relationships: many })).toMatchObject({ http: 413, code: 'too_many_rows', actual: 10_001 });
    expect(await add({})).toMatchObject({ http: 400, code: 'no_rows' });
    expect(await status()).toMatchObject({ generation: 2, is_stale: false });
  }, 60_000);

  it('lets one of two materializations through, and nobody take a publish back meanwhile', async () => {
    await stage('Person', PERSONS);
    const answers = await Promise.all([1, 2].map(() => client.request('POST', at('materialize'), {})));
    expect(answers.map(({ status: code }) => code).sort()).toEqual([200, 409]);
    const won = (await answers.find(({ status: code }) => code === 200)!.json()) as Started;
    await client.result(won);
    expect(await people()).toHaveLength(3);
  }, 60_000);

  it('answers every reader while the graph is rebuilt again and again', async () => {
    await loaded();
    let [answered, done] = [0, false];
    const readers = [1, 2, 3, 4].map(async () => {
      while (!done) {
        expect(await people()).toHaveLength(3);
        answered += 1;
      }
    });
    for (let round = 0; round < 3; round += 1) await client.materialize(graph, { rebuild: true });
    done = true;
    await Promise.all(readers);
    expect(answered).toBeGreaterThan(10);
  }, 60_000);

  /** Runs `meanwhile` while a load into the graph stands in the middle of its publishing, and then lets it go on. */
  const whilePublishing = (meanwhile: (started: Started) => Promise<void>): Promise<Started> =>
    withDatabase(world.database.url, async (query) => {
      await query('begin');
      await query(`select 1 from generation where graph_id = $1 and status = 'live' for update`, [graph]);
      const started = await client.expect<Started>(200, 'POST', at('materialize'), {});
      const waiting = 'select 1 from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))';
      const deadline = Date.now() + 40_000;
      while ((await query(waiting)).length === 0) {
        if (Date.now() > deadline) throw new Error('It does not come to its publishing');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await meanwhile(started);
      await query('commit');
      return started;
    });

  it('has either published or not when it is cancelled while it publishes, and says which', async () => {
    await loaded();
    await stage('KNOWS', 'from,to,since\n3,1,1990\n');
    let answered: Promise<Response> | undefined;
    const started = await whilePublishing(async ({ operation_id }) => {
      answered = client.request('DELETE', `/v1/operations/${operation_id}`);
      // It waits for the publishing; or it does not, and is asked for before it ends.
      await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 300))]);
    });
    await answered;
    const last = (await client.events(started)).filter(({ id }) => id !== null).at(-1)!;
    const published = (await knows()).length === 3;
    expect(last.event).toBe(published ? 'operation_completed' : 'operation_cancelled');
    expect((await history()).length).toBe(published ? 2 : 1);
    // Whichever it was, the file is in the graph once.
    await client.materialize(graph);
    expect(await knows()).toHaveLength(3);
  }, 90_000);

  it('takes nothing back while something is being loaded', async () => {
    await loaded();
    await stage('KNOWS', 'from,to,since\n3,1,1990\n');
    const started = await whilePublishing(async ({ operation_id }) => {
      const refused = await refusal('POST', at('rollback'), {});
      expect(refused).toMatchObject({ status: 409, code: 'graph_busy' });
      expect(JSON.stringify(refused)).toContain(operation_id);
    });
    await client.result(started);
    expect(await knows()).toHaveLength(3);
  }, 90_000);

  it('leaves nothing of a build that was cancelled, in whichever phase', async () => {
    const rows = Array.from({ length: 300_000 }, (_, id) => `${id},person ${id},1990-01-01`).join('\n');
    await stage('Person', `id,name,born\n${rows}\n`);
    for (const phase of ['Checking', 'Loading']) {
      const started = await client.expect<Started>(200, 'POST', at('materialize'), {});
      await client.untilEvent(started, phase);
      await client.request('DELETE', `/v1/operations/${started.operation_id}`);
      const last = (await client.events(started)).filter(({ id }) => id !== null).at(-1)!;
      expect(last.event).toBe('operation_cancelled');
      expect(await people()).toEqual([]);
    }
    expect(readdirSync(join(platform.dataDir, 'graphs', graph))).toEqual(['1']);
    expect(existsSync(join(platform.dataDir, 'work')) ? readdirSync(join(platform.dataDir, 'work')) : []).toEqual([]);
    expect(await client.materialize(graph)).toMatchObject({ rows_loaded: 300_000 });
  }, 90_000);
});
