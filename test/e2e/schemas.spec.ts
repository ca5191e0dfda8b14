import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type Started } from '../support/client';
import { Platform } from '../support/platform';

const key = { name: 'id', type: 'INT64', is_primary_key: true };

describe('schemas', () => {
  let remove: () => Promise<void>;
  let platform: Platform;
  let client: Client;

  beforeAll(async () => {
    const made = await Platform.newDataDir();
    remove = made.remove;
    platform = await Platform.start(made.dataDir);
    client = new Client(platform.url, platform.credentials.api_key);
  }, 90_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
  });

  it('hold every type of value from a file to an answer, and fill in what rows leave out', async () => {
    const values: [string, string, string][] = [
      ['amount', 'DECIMAL(10, 2)', '12345678.90'],
      ['huge', 'INT128', '170141183460469231731687303715884105727'],
      ['tags', 'STRING[]', '["a,b", null]'],
      ['embedding', 'FLOAT[3]', '[1, 2.5, -3]'],
      ['address', 'STRUCT(street STRING, numbers INT64[])', '{"street": "High", "numbers": [1, 2]}'],
      ['scores', 'MAP(STRING, INT64)', '{"x": 1}'],
      ['bytes', 'BLOB', 'AP8='],
      ['span', 'INTERVAL', '1 year 2 days'],
      ['moment', 'TIMESTAMP_TZ', '2020-01-01 00:00:00+02'],
    ];
    const filled = [
      { name: 'kind', type: 'STRING', default: "it's" },
      { name: 'day', type: 'DATE', default: '2020-02-29', required: true },
      { name: 'price', type: 'DECIMAL(6, 2)', default: 1.25 },
    ];
    const properties = [key, ...values.map(([name, type]) => ({ name, type })), ...filled];
    const graphId = await client.createGraph({ name: 'types', nodes: [{ name: 'Thing', properties }] });
    const row = values.map(([, , value]) => `"${value.replaceAll('"', '""')}"`).join(',');
    const csv = `id,${values.map(([name]) => name).join(',')},kind\n1,${row},\n2${','.repeat(values.length)},mine\n`;
    expect((await client.stage(graphId, 'Thing', 'things.csv', csv)).status).toBe(200);
    await client.result(
      await client.expect(200, 'POST', `/v1/graphs/${graphId}/materialize`, { ignore_errors: false }),
    );

    const texts = ['amount', 'huge', 'bytes', 'span', 'moment', 'price', 'day'].map(
      (name) => `cast(t.${name} AS STRING) AS ${name}`,
    );
    const answer = await client.query(
      graphId,
      `MATCH (t:Thing) RETURN t.id AS id, ${texts.join(', ')}, t.tags AS tags, t.embedding AS embedding,
       t.address.numbers[2] AS second, element_at(t.scores, 'x')[1] AS x, t.kind AS kind ORDER BY id`,
    );
    expect(answer).toEqual([
      {
        id: 1,
        amount: '12345678.90',
        huge: '170141183460469231731687303715884105727',
        bytes: '\\x00\\xFF',
        span: '1 year 2 days',
        moment: '2019-12-31 22:00:00+00',
        price: '1.25',
        day: '2020-02-29',
        tags: ['a,b', null],
        embedding: [1, 2.5, -3],
        second: 2,
        x: 1,
        kind: "it's",
      },
      expect.objectContaining({ id: 2, kind: 'mine', price: '1.25', day: '2020-02-29', tags: null, amount: null }),
    ]);
  });

  const person = {
    name: 'Person',
    properties: [key, { name: 'name', type: 'STRING' }, { name: 'age', type: 'INT32' }],
  };
  const knows = { name: 'KNOWS', from_node: 'Person', to_node: 'Person' };
  const people = { name: 'people', nodes: [person], relationships: [knows] };
  const loaded = async (): Promise<string> => {
    const graphId = await client.createGraph(people);
    await client.stage(graphId, 'Person', 'p.csv', 'id,name,age,city\n1,Ada,36,London\n2,Grace,85,NY\n');
    await client.stage(graphId, 'KNOWS', 'k.csv', 'from,to\n1,2\n');
    await materialize(graphId);
    return graphId;
  };
  const materialize = async (graphId: string, body: object = {}): Promise<object> =>
    client.result(await client.expect(200, 'POST', `/v1/graphs/${graphId}/materialize`, body));
  const change = async (graphId: string, body: object): Promise<Record<string, unknown>> =>
    client.result(await client.expect(202, 'PATCH', `/v1/graphs/${graphId}/schema`, body));

  it('change while the data stays: types and properties come and go', async () => {
    const graphId = await loaded();
    const city = { name: 'city', type: 'STRING' };
    const add = {
      nodes: [
        { name: 'Person', properties: [city, { name: 'kind', type: 'STRING', default: 'human', required: true }] },
        { name: 'Robot', properties: [key] },
      ],
      relationships: [{ name: 'OWNS', from_node: 'Person', to_node: 'Robot' }],
    };
    const dry = await client.expect(200, 'PATCH', `/v1/graphs/${graphId}/schema`, { add, dry_run: true });
    expect(dry).toMatchObject({ verdict: 'compatible', becomes_stale: true });
    const result = await change(graphId, { add });
    expect(result).toMatchObject({ version: 2, generation: 3 });
    expect(result.notes).toEqual([expect.stringContaining('staged files of Person have the new city')]);
    expect(
      await client.query(graphId, 'MATCH (p:Person) RETURN p.name AS n, p.kind AS k, p.city AS c ORDER BY n'),
    ).toEqual([
      { n: 'Ada', k: 'human', c: null },
      { n: 'Grace', k: 'human', c: null },
    ]);
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/materialize`)).toMatchObject({ is_stale: true });
    // Rows that come meanwhile do not make it fresh: the files still have more.
    await client.result(
      await client.expect(202, 'POST', `/v1/graphs/${graphId}/rows`, {
        nodes: [{ label: 'Person', properties: { id: 3, name: 'Barbara' } }],
      }),
    );
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/materialize`)).toMatchObject({
      is_stale: true,
      stale_reason: expect.stringContaining('the new city') as string,
    });
    expect(await materialize(graphId)).toMatchObject({
      mode: 'rebuild',
      why: expect.stringContaining('the new city') as string,
    });
    expect(await client.query(graphId, 'MATCH (p:Person {id: 1}) RETURN p.city AS c')).toEqual([{ c: 'London' }]);
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/materialize`)).toMatchObject({ is_stale: false });

    const drop = ['nodes.Person.properties.age', 'relationships.KNOWS'];
    const refused = await client.expect(409, 'PATCH', `/v1/graphs/${graphId}/schema`, { drop });
    expect(refused).toMatchObject({ code: 'schema_change_unconfirmed', needs_confirmation: true });
    expect((await change(graphId, { drop, confirm: true })).notes).toEqual([
      expect.stringContaining('1 staged file of KNOWS will stay'),
      expect.stringContaining('2 staged files of Person will still have age'),
    ]);
    expect(await client.query(graphId, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 3 }]);
    const info = await client.expect(200, 'GET', `/v1/graphs/${graphId}/info`);
    expect(info).toMatchObject({ node_labels: ['Person', 'Robot'], relationship_types: ['OWNS'] });
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/schema/versions`)).toMatchObject({
      current: 3,
      versions: [{ number: 3, status: 'applied' }, { number: 2 }, { number: 1, base: null }],
    });
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/schema/versions/1`)).toMatchObject({
      is_current: false,
      schema_definition: people,
    });
    await client.expect(404, 'GET', `/v1/graphs/${graphId}/schema/versions/9`);
  });

  it('let files of a dropped type wait, and load them when it is there again', async () => {
    const graphId = await loaded();
    const standing = () => client.expect(200, 'GET', `/v1/graphs/${graphId}/materialize`);
    const layer = async () => {
      const { files } = await client.expect<{ files: { file_id: string; table_name: string }[] }>(
        200,
        'GET',
        `/v1/graphs/${graphId}/files`,
      );
      const { file_id } = files.find(({ table_name }) => table_name === 'KNOWS')!;
      const file = await client.expect<{ layers: { graph: { status: string } } }>(
        200,
        'GET',
        `/v1/graphs/${graphId}/files/${file_id}`,
      );
      return file.layers.graph.status;
    };
    await change(graphId, { drop: ['relationships.KNOWS'], confirm: true });
    expect(await standing()).toMatchObject({ is_stale: false });
    expect(await layer()).toBe('pending');
    await client.stage(graphId, 'Person', 'p.csv', 'id,name,age\n3,Barbara,28\n');
    expect(await materialize(graphId)).toMatchObject({ mode: 'incremental', rows_loaded: 1 });
    expect(await standing()).toMatchObject({ is_stale: false });
    await change(graphId, { add: { relationships: [knows] } });
    expect(await standing()).toMatchObject({ is_stale: true });
    expect(await materialize(graphId)).toMatchObject({ mode: 'incremental', rows_loaded: 1 });
    expect(await client.query(graphId, 'MATCH (a)-[:KNOWS]->(b) RETURN a.id AS a, b.id AS b')).toEqual([
      { a: 1, b: 2 },
    ]);
    expect(await standing()).toMatchObject({ is_stale: false });
    expect(await layer()).toBe('ingested');
  });

  it('have relationships of a pair loaded again when the pair comes back', async () => {
    const post = { name: 'Post', properties: [{ name: 'slug', type: 'STRING', is_primary_key: true }] };
    const [own, other] = ['Person', 'Post'].map((to_node) => ({ from_node: 'Person', to_node }));
    const likes = { name: 'LIKES', pairs: [own, other] };
    const graphId = await client.createGraph({ name: 'likes', nodes: [person, post], relationships: [likes] });
    await client.stage(graphId, 'Person', 'p.csv', 'id,name,age\n1,Ada,36\n2,Grace,85\n');
    await client.stage(graphId, 'Post', 'posts.csv', 'slug\nhello\n');
    await client.stage(graphId, 'LIKES', 'likes.csv', 'from,to,to_label\n1,2,Person\n1,hello,Post\n');
    await materialize(graphId);
    const standing = () => client.expect(200, 'GET', `/v1/graphs/${graphId}/materialize`);
    const count = () => client.query(graphId, 'MATCH ()-[l:LIKES]->() RETURN count(*) AS n');
    const gone = { drop: ['nodes.Post', 'relationships.LIKES.pairs.Person->Post'], confirm: true };
    await change(graphId, gone);
    expect([await count(), await standing()]).toMatchObject([[{ n: 1 }], { is_stale: false }]);
    const again = { add: { nodes: [post], relationships: [{ name: 'LIKES', pairs: [other] }] } };
    await change(graphId, again);
    expect(await standing()).toMatchObject({
      is_stale: true,
      stale_reason: expect.stringContaining('LIKES may lead from Person to Post again') as string,
    });
    // Without the pair it holds once more what is staged.
    await change(graphId, gone);
    expect(await standing()).toMatchObject({ is_stale: false });
    await change(graphId, again);
    expect(await materialize(graphId)).toMatchObject({ mode: 'rebuild' });
    expect([await count(), await standing()]).toMatchObject([[{ n: 2 }], { is_stale: false }]);
    // Another pair, that no row was ever of, is no reason to build anything again.
    await change(graphId, {
      add: { relationships: [{ name: 'LIKES', pairs: [{ from_node: 'Post', to_node: 'Person' }] }] },
    });
    expect(await standing()).toMatchObject({ is_stale: false });
  }, 60_000);

  it('are met again by the data when what they newly asked for is dropped', async () => {
    const graphId = await loaded();
    const standing = () => client.expect(200, 'GET', `/v1/graphs/${graphId}/materialize`);
    const add = (name: string) => ({ add: { nodes: [{ name: 'Person', properties: [{ name, type: 'STRING' }] }] } });
    const drop = (name: string) => ({ drop: [`nodes.Person.properties.${name}`], confirm: true });
    await change(graphId, add('city'));
    await change(graphId, add('nick'));
    expect(await standing()).toMatchObject({
      is_stale: true,
      stale_reason: expect.stringContaining('the new city') as string,
    });
    await change(graphId, drop('city'));
    expect(await standing()).toMatchObject({ is_stale: false, stale_reason: null, stale_since: null });
    await client.stage(graphId, 'Person', 'more.csv', 'id,name,age\n3,Barbara,28\n');
    expect(await materialize(graphId)).toMatchObject({ mode: 'incremental', rows_loaded: 1 });
    // What was taken before it was dropped is gone with it.
    await change(graphId, drop('age'));
    await change(graphId, add('city'));
    await change(graphId, add('age'));
    await change(graphId, drop('city'));
    expect(await standing()).toMatchObject({
      is_stale: true,
      stale_reason: expect.stringMatching(/the new age$/) as string,
    });
    // Files that the graph does not hold are another reason, and stay one.
    await client.stage(graphId, 'Person', 'last.csv', 'id,name\n4,Tony\n');
    await change(graphId, drop('age'));
    expect(await standing()).toMatchObject({ is_stale: true });
    expect(await materialize(graphId)).toMatchObject({ mode: 'incremental', rows_loaded: 1 });
    expect(await standing()).toMatchObject({ is_stale: false });
  });

  it('that ask for less have rejected rows loaded with the next materialization', async () => {
    const strict = (required: boolean) => ({
      name: 'people',
      nodes: [{ name: 'Person', properties: [key, { name: 'name', type: 'STRING', required }] }],
    });
    const relax = { schema_definition: strict(false) };
    const graphId = await client.createGraph(strict(true));
    const standing = () => client.expect(200, 'GET', `/v1/graphs/${graphId}/materialize`);
    await client.stage(graphId, 'Person', 'p.csv', 'id,name\n1,Ada\n2,\n');
    expect(await materialize(graphId)).toMatchObject({ rows_loaded: 1, rows_rejected: 1 });
    const reason = expect.stringContaining(
      'rows of Person that were rejected may be right, since name of Person is not required any more',
    ) as string;
    const dry = await client.expect(200, 'PATCH', `/v1/graphs/${graphId}/schema`, { ...relax, dry_run: true });
    expect(dry).toMatchObject({ verdict: 'compatible', becomes_stale: true, notes: [reason] });
    expect(await standing()).toMatchObject({ is_stale: false });
    await change(graphId, relax);
    expect(await standing()).toMatchObject({ is_stale: true, stale_reason: reason });
    const plan = await client.expect(200, 'POST', `/v1/graphs/${graphId}/materialize`, { dry_run: true });
    expect(plan).toMatchObject({ mode: 'rebuild', message: reason });
    expect(await materialize(graphId)).toMatchObject({ mode: 'rebuild', rows_loaded: 2, rows_rejected: 0 });
    expect(await standing()).toMatchObject({ is_stale: false });
    // Where no row was rejected there is nothing to load.
    const other = await client.createGraph(strict(true));
    await client.stage(other, 'Person', 'p.csv', 'id,name\n1,Ada\n');
    await materialize(other);
    await change(other, relax);
    expect(await client.expect(200, 'GET', `/v1/graphs/${other}/materialize`)).toMatchObject({ is_stale: false });
  });

  it('come back with the data that is taken back, as a version that says so', async () => {
    const graphId = await loaded();
    await change(graphId, { drop: ['relationships.KNOWS', 'nodes.Person.properties.age'], confirm: true });
    const back = async () => client.expect(200, 'POST', `/v1/graphs/${graphId}/rollback`, {});
    await back();
    const { versions, current } = await client.expect<{ versions: object[]; current: number }>(
      200,
      'GET',
      `/v1/graphs/${graphId}/schema/versions`,
    );
    expect(current).toBe(3);
    expect(versions).toMatchObject([
      {
        number: 3,
        status: 'applied',
        is_current: true,
        base: 2,
        generation: 2,
        note: 'Generation 3 was taken back, and with it the schema, which is that of version 1 again',
        changes: [
          { path: 'nodes.Person.properties.age', change: 'added' },
          { path: 'relationships.KNOWS', change: 'added' },
        ],
      },
      { number: 2, is_current: false, note: null },
      { number: 1, is_current: false },
    ]);
    expect(await client.query(graphId, 'MATCH (a)-[:KNOWS]->(b) RETURN a.age AS a')).toEqual([{ a: 36 }]);
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/schema`)).toMatchObject({
      schema: { nodes: [{ name: 'Person' }], relationships: [{ name: 'KNOWS' }] },
    });
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/materialize`)).toMatchObject({ is_stale: false });
    // Data that has the same schema makes no version, and the next change counts on.
    await back();
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/schema/versions`)).toMatchObject({ total_count: 3 });
    expect(await change(graphId, { add: { nodes: [{ name: 'Robot', properties: [key] }] } })).toMatchObject({
      version: 4,
    });
  });

  it('refuse, with every reason, what the engine cannot do, and change nothing', async () => {
    const graphId = await loaded();
    const schema_definition = {
      name: 'people',
      nodes: [
        {
          name: 'Person',
          properties: [
            key,
            { name: 'name', type: 'STRING', required: true },
            { name: 'age', type: 'INT64' },
            { name: 'x', type: 'DATE', required: true },
          ],
        },
      ],
      relationships: [knows],
    };
    const refused = await client.expect(409, 'PATCH', `/v1/graphs/${graphId}/schema`, {
      schema_definition,
      confirm: true,
    });
    expect(refused).toMatchObject({ code: 'schema_change_refused' });
    expect(
      (refused.changes as { path: string; verdict: string }[]).map(({ path, verdict }) => [path, verdict]),
    ).toEqual([
      ['nodes.Person.properties.name', 'refused'],
      ['nodes.Person.properties.age', 'refused'],
      ['nodes.Person.properties.x', 'refused'],
    ]);
    const rekeyed = { ...people, nodes: [{ name: 'Person', properties: [{ ...key, name: 'ssn' }] }] };
    await client.expect(409, 'PATCH', `/v1/graphs/${graphId}/schema`, { schema_definition: rekeyed, confirm: true });
    await client.expect(409, 'PATCH', `/v1/graphs/${graphId}/schema`, { schema_definition: people });
    await client.expect(422, 'PATCH', `/v1/graphs/${graphId}/schema`, {});
    const used = await client.expect(422, 'PATCH', `/v1/graphs/${graphId}/schema`, {
      drop: ['nodes.Person', 'nodes.Nobody'],
      confirm: true,
    });
    expect(JSON.stringify(used.detail)).toContain('nodes.Nobody');
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/schema/versions`)).toMatchObject({ total_count: 1 });
  });

  it('take one change at a time', async () => {
    const graphId = await loaded();
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        client.request('PATCH', `/v1/graphs/${graphId}/schema`, {
          add: { nodes: [{ name: 'Person', properties: [{ name, type: 'DATE' }] }] },
        }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.every((status) => status === 202 || status === 409)).toBe(true);
    expect(statuses).toContain(202);
    for (const answer of answers) if (answer.status === 202) await client.result((await answer.json()) as Started);
    const { versions, current } = await client.expect<{
      versions: { status: string; number: number }[];
      current: number;
    }>(200, 'GET', `/v1/graphs/${graphId}/schema/versions`);
    expect(versions.every(({ status }) => status === 'applied')).toBe(true);
    expect(versions.length).toBe(1 + statuses.filter((status) => status === 202).length);
    expect(current).toBe(versions[0].number);
  });

  it('are exported as what can be imported again, with counts of the live data', async () => {
    const graphId = await loaded();
    const exported = (format: string) =>
      client.expect<{ schema_definition: string; data_stats: object }>(
        200,
        'GET',
        `/v1/graphs/${graphId}/schema/export?format=${format}&include_data_stats=true`,
      );
    expect(await exported('json')).toMatchObject({
      schema_definition: people,
      data_stats: { node_counts: { Person: 2 }, relationship_counts: { KNOWS: 1 }, total_nodes: 2 },
    });
    const { schema_definition } = await exported('yaml');
    expect(
      await client.expect(200, 'POST', `/v1/graphs/${graphId}/schema/validate`, { schema_definition, format: 'yaml' }),
    ).toMatchObject({ valid: true, changes: { changes: [], compatible: true } });
    expect((await exported('cypher')).schema_definition).toContain('CREATE NODE TABLE `Person` (`id` INT64, ');
    await client.expect(422, 'GET', `/v1/graphs/${graphId}/schema/export?format=xml`);
  });

  it('are exported with what the live data holds at the time, however it came there', async () => {
    const graphId = await loaded();
    const stats = async () =>
      (
        await client.expect<{ data_stats: Record<string, unknown> }>(
          200,
          'GET',
          `/v1/graphs/${graphId}/schema/export?include_data_stats=true`,
        )
      ).data_stats;
    const counted = async () => {
      const [[{ nodes }], [{ edges }]] = [
        await client.query(graphId, 'MATCH (n:Person) RETURN count(*) AS nodes'),
        await client.query(graphId, 'MATCH ()-[k:KNOWS]->() RETURN count(*) AS edges'),
      ];
      return {
        node_counts: { Person: nodes },
        relationship_counts: { KNOWS: edges },
        total_nodes: nodes,
        total_relationships: edges,
      };
    };
    await client.stage(graphId, 'Person', 'p.csv', 'id,name,age\n2,Grace H.,85\n3,Barbara,28\nx,Bad,1\n');
    await materialize(graphId, { mode: 'incremental' });
    await client.result(
      await client.expect(202, 'POST', `/v1/graphs/${graphId}/rows`, {
        nodes: [{ label: 'Person', properties: { id: 4, name: 'Edsger' } }],
        relationships: [{ type: 'KNOWS', from: 4, to: 3 }],
      }),
    );
    expect(await stats()).toMatchObject({
      ...(await counted()),
      total_nodes: 4,
      total_relationships: 2,
      generation: 4,
    });
    await client.expect(200, 'POST', `/v1/graphs/${graphId}/rollback`, {});
    expect(await stats()).toMatchObject({
      ...(await counted()),
      total_nodes: 3,
      total_relationships: 1,
      generation: 3,
    });
    const { database_size_bytes: bytes } = await stats();
    const files = join(platform.dataDir, 'graphs', graphId, '3');
    const found = readdirSync(files).reduce((sum, name) => sum + statSync(join(files, name)).size, 0);
    expect(bytes).toBe(found);
  });

  it('are checked without a graph, with every problem and what they cannot be combined with', async () => {
    const check = (body: object) => client.expect(200, 'POST', '/v1/graphs/schema/validate', body);
    expect(await check({ schema_definition: { name: 'x', nodes: [{ name: 'Order', properties: [] }] } })).toMatchObject(
      {
        valid: false,
        errors: [
          expect.stringMatching(/^nodes.0.properties: exactly one/),
          expect.stringMatching(/^nodes.0.name: "Order"/),
        ],
      },
    );
    expect(
      await check({ schema_definition: people, check_compatibility: ['people', 'geography', 'none'] }),
    ).toMatchObject({
      valid: true,
      warnings: null,
      stats: { nodes: 1, relationships: 1 },
      compatibility: { people: { compatible: false }, none: { compatible: false } },
    });
    expect(await check({ schema_definition: 'a: [', format: 'yaml' })).toMatchObject({ valid: false });
    expect(await check({ schema_definition: '{', format: 'json' })).toMatchObject({ valid: false });
    expect(await client.expect(200, 'GET', '/v1/graphs/extensions/people')).toMatchObject({
      node_types: ['Person', 'Organization'],
    });
    await client.expect(404, 'GET', '/v1/graphs/extensions/..%2Fpeople');
    const graphId = await client.createGraph({ name: 'made', extends: 'geography' });
    expect(await client.expect(200, 'GET', '/v1/graphs')).toMatchObject({
      graphs: expect.arrayContaining([
        expect.objectContaining({ graphId, schemaExtensions: ['geography'] }),
      ]) as unknown,
    });
  });

  it('join several pairs of types by one relationship, whose rows say which', async () => {
    const post = { name: 'Post', properties: [{ name: 'slug', type: 'STRING', is_primary_key: true }] };
    const pairs = [
      { from_node: 'Person', to_node: 'Person' },
      { from_node: 'Person', to_node: 'Post' },
    ];
    const likes = { name: 'LIKES', pairs, properties: [{ name: 'stars', type: 'INT8' }] };
    const graphId = await client.createGraph({ name: 'likes', nodes: [person, post], relationships: [likes] });
    await client.stage(graphId, 'Person', 'p.csv', 'id,name,age\n1,Ada,36\n2,Grace,85\n');
    await client.stage(graphId, 'Post', 'posts.csv', 'slug\nhello\n');
    const rows = [
      '1,2,Person,5',
      '1,hello,Post,4',
      '2,hello,Post,3',
      '2,1,Robot,1',
      '2,1,,1',
      '1,x,Person,1',
      '1,none,Post,1',
    ];
    await client.stage(graphId, 'LIKES', 'likes.csv', `from,to,to_label,stars\n${rows.join('\n')}\n`);
    const { tables } = await client.expect<{ tables: { table_name: string; columns: { name: string }[] }[] }>(
      200,
      'GET',
      `/v1/graphs/${graphId}/tables`,
    );
    const columns = tables.find(({ table_name }) => table_name === 'LIKES')!.columns.map(({ name }) => name);
    expect(columns).toEqual(['from', 'to', 'from_label', 'to_label', 'stars']);
    expect(await materialize(graphId)).toMatchObject({ rows_loaded: 6, rows_rejected: 4 });
    const liked = 'MATCH (p:Person)-[l:LIKES]->(x) RETURN p.name AS p, label(x) AS x, l.stars AS s ORDER BY s';
    expect(await client.query(graphId, liked)).toEqual([
      { p: 'Grace', x: 'Post', s: 3 },
      { p: 'Ada', x: 'Post', s: 4 },
      { p: 'Ada', x: 'Person', s: 5 },
    ]);
    const strict = await client.expect<Started>(200, 'POST', `/v1/graphs/${graphId}/materialize`, {
      ignore_errors: false,
      rebuild: true,
    });
    const failed = JSON.stringify((await client.events(strict)).find(({ event }) => event === 'operation_error'));
    for (const reason of [
      'pair_unknown: LIKES does not lead from Person to Robot',
      'pair_ambiguous: LIKES may lead from Person to Person or from Person to Post: say which in from_label and to_label',
      'type_mismatch: to is not INT64: x',
      'to_not_found: no Post has the key none',
    ])
      expect(failed).toContain(reason);

    await client.expect(409, 'PATCH', `/v1/graphs/${graphId}/schema`, {
      drop: ['relationships.LIKES.pairs.Person->Post'],
    });
    await change(graphId, {
      drop: ['relationships.LIKES.pairs.Person->Post'],
      add: { relationships: [{ name: 'LIKES', pairs: [{ from_node: 'Post', to_node: 'Person' }] }] },
      confirm: true,
    });
    expect(await client.query(graphId, 'MATCH ()-[l:LIKES]->() RETURN count(*) AS n')).toEqual([{ n: 1 }]);
  });

  it('join types whose keys are the same only as somebody says, from files, rows and later files alike', async () => {
    const robot = { name: 'Robot', properties: [key] };
    const pair = (from_node: string, to_node: string) => ({ from_node, to_node });
    const pairs = [pair('Person', 'Person'), pair('Person', 'Robot'), pair('Robot', 'Person')];
    const likes = { name: 'LIKES', pairs, properties: [{ name: 'n', type: 'INT64' }] };
    const graphId = await client.createGraph({ name: 'likes', nodes: [person, robot], relationships: [likes] });
    const announced = async (body: object): Promise<Response> =>
      client.request('POST', `/v1/graphs/${graphId}/files`, {
        file_name: 'likes.csv',
        table_name: 'LIKES',
        content_type: 'text/csv',
        ...body,
      });
    const send = async (body: object, content: string): Promise<void> => {
      const file = (await (await announced(body)).json()) as { file_id: string; upload_url: string };
      await fetch(file.upload_url, { method: 'PUT', body: content, headers: { 'content-type': 'text/csv' } });
      await client.expect(200, 'PATCH', `/v1/graphs/${graphId}/files/${file.file_id}`, { status: 'uploaded' });
    };
    const found = () =>
      client.query(
        graphId,
        'MATCH (a)-[l:LIKES]->(b) RETURN l.n AS n, label(a) AS a, a.id AS f, label(b) AS b, b.id AS t ORDER BY n',
      );
    await client.stage(graphId, 'Person', 'p.csv', 'id,name,age\n1,Ada,36\n2,Grace,85\n');
    await client.stage(graphId, 'Robot', 'r.csv', 'id\n1\n2\n');
    // All of the file, part of it, and each row on its own.
    await send({ from_label: 'Person', to_label: 'Robot' }, 'from,to,n\n1,1,1\n2,1,2\n');
    await send({ from_label: 'Person' }, 'from,to,n,to_label\n1,2,3,Person\n1,2,4,Robot\n1,2,99,\n');
    await send({}, 'from,to,n,from_label,to_label\n2,1,5,Robot,Person\n2,1,6,Robot,\n2,1,98,Robot,Robot\n');
    expect(await materialize(graphId)).toMatchObject({
      tables: [{}, {}, { rows_loaded: 6, reasons: { pair_ambiguous: 1, pair_unknown: 1 } }],
    });
    const first = [
      { n: 1, a: 'Person', f: 1, b: 'Robot', t: 1 },
      { n: 2, a: 'Person', f: 2, b: 'Robot', t: 1 },
      { n: 3, a: 'Person', f: 1, b: 'Person', t: 2 },
      { n: 4, a: 'Person', f: 1, b: 'Robot', t: 2 },
      { n: 5, a: 'Robot', f: 2, b: 'Person', t: 1 },
      { n: 6, a: 'Robot', f: 2, b: 'Person', t: 1 },
    ];
    expect(await found()).toEqual(first);

    await send({ to_label: 'Person' }, 'from,to,n,from_label\n1,2,7,Robot\n1,2,8,Person\n9,1,97,Robot\n');
    expect(await materialize(graphId)).toMatchObject({
      mode: 'incremental',
      tables: [{}, {}, { rows_loaded: 2, rows_in_graph: 8, reasons: { from_not_found: 1 } }],
    });
    const rows = async (relationships: object[]): Promise<Record<string, unknown>> => {
      const request = client.request('POST', `/v1/graphs/${graphId}/rows`, { relationships }, { prefer: 'wait=30' });
      return (await (await request).json()) as Record<string, unknown>;
    };
    const row = (n: number, rest: object) => ({ type: 'LIKES', from: 2, to: 2, properties: { n }, ...rest });
    expect(
      (await rows([row(0, {}), row(0, { from_label: 'Person' }), row(0, { from_label: 'Robot', to_label: 'Robot' })]))
        .detail,
    ).toMatchObject([
      { loc: ['body', 'relationships', 0, 'from_label'], type: 'pair_ambiguous' },
      { loc: ['body', 'relationships', 1, 'from_label'], type: 'pair_ambiguous' },
      { loc: ['body', 'relationships', 2, 'from_label'], type: 'pair_unknown' },
    ]);
    expect(
      await rows([row(9, { from_label: 'Robot' }), row(10, { from_label: 'Person', to_label: 'Robot' })]),
    ).toMatchObject({ status: 'completed', result: { rows_loaded: 2 } });
    const all = [
      ...first,
      { n: 7, a: 'Robot', f: 1, b: 'Person', t: 2 },
      { n: 8, a: 'Person', f: 1, b: 'Person', t: 2 },
      { n: 9, a: 'Robot', f: 2, b: 'Person', t: 2 },
      { n: 10, a: 'Person', f: 2, b: 'Robot', t: 2 },
    ];
    expect(await found()).toEqual(all);
    expect(await materialize(graphId, { rebuild: true })).toMatchObject({ mode: 'rebuild' });
    expect(await found()).toEqual(all);

    const wrong = [
      { to_label: 'Post' },
      { from_label: 'Robot', to_label: 'Robot' },
      { table_name: 'Person', from_label: 'Person' },
    ];
    for (const body of wrong) expect((await announced(body)).status).toBe(422);
  });

  it('keep what files of a relationship meant when it led one way only, and take no row for what it is not', async () => {
    const robot = { name: 'Robot', properties: [key] };
    const graphId = await client.createGraph({ ...people, nodes: [person, robot] });
    await client.stage(graphId, 'Person', 'p.csv', 'id,name,age\n1,Ada,36\n2,Grace,85\n');
    await client.stage(graphId, 'Robot', 'r.csv', 'id\n1\n2\n');
    await client.stage(graphId, 'KNOWS', 'k.csv', 'from,to\n1,2\n');
    await materialize(graphId);
    const known = () =>
      client.query(graphId, 'MATCH (a)-[:KNOWS]->(b) RETURN label(b) AS l, b.id AS id ORDER BY l, id');
    const toRobot = { name: 'KNOWS', pairs: [{ from_node: 'Person', to_node: 'Robot' }] };
    await change(graphId, { add: { relationships: [toRobot] } });
    await client.stage(graphId, 'KNOWS', 'k2.csv', 'from,to,to_label\n2,1,Robot\n2,1,Person\n');
    expect(await materialize(graphId)).toMatchObject({ mode: 'incremental', rows_loaded: 2 });
    const both = [
      { l: 'Person', id: 1 },
      { l: 'Person', id: 2 },
      { l: 'Robot', id: 1 },
    ];
    expect(await known()).toEqual(both);
    expect(await materialize(graphId, { rebuild: true })).toMatchObject({ rows_rejected: 0 });
    expect(await known()).toEqual(both);
    // A robot's row does not become a person's when the relationship leads to persons alone again.
    await change(graphId, { drop: ['relationships.KNOWS.pairs.Person->Robot'], confirm: true });
    expect(await known()).toEqual(both.slice(0, 2));
    expect(await materialize(graphId, { rebuild: true })).toMatchObject({
      rows_rejected: 1,
      rejected_samples: [{ reason: 'pair_unknown: KNOWS does not lead from Person to Robot' }],
    });
    expect(await known()).toEqual(both.slice(0, 2));
  });
});
