import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Client, Started } from '../../test/support/client';
import { PlatformWorld } from '../../test/support/platform-world';

type Row = Record<string, unknown>;
type StartedBackup = Started & { backup_id: string };

/** Every type that a property can have. */
const TYPES: Record<string, string> = {
  id: 'INT64',
  i8: 'INT8',
  i16: 'INT16',
  i32: 'INT32',
  i128: 'INT128',
  u8: 'UINT8',
  u16: 'UINT16',
  u32: 'UINT32',
  u64: 'UINT64',
  f: 'FLOAT',
  d: 'DOUBLE',
  dec: 'DECIMAL(18,4)',
  b: 'BOOLEAN',
  s: 'STRING',
  day: 'DATE',
  at: 'TIMESTAMP',
  tz: 'TIMESTAMP_TZ',
  span: 'INTERVAL',
  spans: 'INTERVAL[]',
  u: 'UUID',
  bytes: 'BLOB',
  list: 'STRING[]',
  nested: 'INT64[][]',
  vector: 'DOUBLE[3]',
  point: 'STRUCT(x INT64, name STRING, days DATE[])',
  points: 'STRUCT(x INT64, name STRING)[]',
  counts: 'MAP(STRING, INT64)',
};
const FULL: Row = {
  i8: -128,
  i16: -32768,
  i32: -2147483648,
  i128: '-170141183460469231731687303715884105727',
  u8: 255,
  u16: 65535,
  u32: 4294967295,
  u64: '18446744073709551615',
  f: 0.1,
  d: 1.7976931348623157e308,
  dec: '-12345678901234.5678',
  b: false,
  s: 'żółw "🐢"\n日本, \\ \'x\'',
  day: '1969-12-31',
  at: '1969-02-28T23:59:59.123456',
  tz: '2020-02-29T23:59:59.123456Z',
  span: 'P1Y2M3DT4H5M6.000007S',
  spans: ['P1D', null, 'PT0.000001S'],
  u: '00000000-0000-4000-8000-00000000000a',
  bytes: Buffer.from([0, 255, 10, 34]).toString('base64'),
  list: ['', 'a,"b"', null, 'ż'],
  nested: [[1, null], [], [2]],
  vector: [0.1, -2, 3e300],
  point: { x: 5, name: 'a "b"', days: ['2020-01-01', null] },
  points: [
    { x: 1, name: '' },
    { x: 2, name: null },
  ],
  counts: { 'a b': 1, 'ü"': -2 },
};
const SCHEMA = {
  name: 'all',
  nodes: [
    {
      name: 'Every',
      properties: Object.entries(TYPES).map(([name, type]) => ({ name, type, is_primary_key: name === 'id' })),
    },
    { name: 'Tag', properties: [{ name: 'word', type: 'STRING', is_primary_key: true }] },
    { name: 'Unused', properties: [{ name: 'key', type: 'UUID', is_primary_key: true }] },
  ],
  relationships: [
    {
      name: 'HAS',
      pairs: [
        { from_node: 'Every', to_node: 'Tag' },
        { from_node: 'Tag', to_node: 'Tag' },
        { from_node: 'Tag', to_node: 'Every' },
      ],
      properties: [{ name: 'note', type: 'MAP(STRING, INT64)' }],
    },
    { name: 'NEXT', from_node: 'Every', to_node: 'Every' },
  ],
};
const lines = (rows: object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
/** JSON that holds numbers beyond what a double is exact for. */
const EVERY = `{"id":9223372036854775807,${JSON.stringify({ ...FULL, nested: undefined }).slice(1, -1)},"nested":[[9223372036854775807],[],[-9223372036854775808,null]]}
{"id":-9223372036854775808,"s":"","list":[],"counts":{},"d":"NaN","f":"-Infinity"}
${lines([1, 2, 3].map((id) => ({ id, ...FULL, s: `row ${id}`, point: { x: id, name: `p${id}`, days: [] } })))}
{"id":4}`;
const HAS = [
  { from: 1, to: 'a', from_label: 'Every', to_label: 'Tag', note: { n: 1 } },
  { from: 2, to: 'a', from_label: 'Every', to_label: 'Tag', note: {} },
  { from: 2, to: 'a', from_label: 'Every', to_label: 'Tag' },
  { from: 'a', to: 'ü', from_label: 'Tag', to_label: 'Tag', note: { x: 7 } },
  { from: 'ü', to: 3, from_label: 'Tag', to_label: 'Every', note: { y: 8 } },
];
const NEXT = 'from,to\n1,2\n2,3\n3,9223372036854775807\n1,3\n';

/** Exports of all tables, on a running platform whose engine is asked for two rows at a time. */
describe('exports', () => {
  let world: PlatformWorld;
  let client: Client;
  let graph: string;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'graphstead-exports-'));
    world = await PlatformWorld.start({ BACKUP_EXPORT_ROWS: '2' });
    ({ client } = world);
    graph = await client.createGraph(SCHEMA);
    const json = 'application/x-ndjson';
    await client.stage(graph, 'Every', 'every.ndjson', EVERY, json);
    await client.stage(graph, 'Tag', 'tags.csv', 'word\na\nü\n');
    await client.stage(graph, 'HAS', 'has.ndjson', lines(HAS), json);
    await client.stage(graph, 'NEXT', 'next.csv', NEXT);
    await client.materialize(graph);
  }, 120_000);
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await world?.end();
  });

  const at = (rest = '', of = graph) => `/v1/graphs/${of}/backups${rest}`;
  const COLUMNS = Object.keys(TYPES);
  const every = (of = graph) =>
    client.query(of, `MATCH (e:Every) RETURN ${COLUMNS.map((name) => `e.${name} AS ${name}`).join(', ')} ORDER BY id`);
  const relationships = async (of = graph): Promise<string[]> => {
    const found = await Promise.all(
      [
        'MATCH (a:Every)-[h:HAS]->(b:Tag) RETURN a.id AS f, b.word AS t, h.note AS n',
        'MATCH (a:Tag)-[h:HAS]->(b:Tag) RETURN a.word AS f, b.word AS t, h.note AS n',
        'MATCH (a:Tag)-[h:HAS]->(b:Every) RETURN a.word AS f, b.id AS t, h.note AS n',
        'MATCH (a)-[h:NEXT]->(b) RETURN a.id AS f, b.id AS t',
      ].map((query) => client.query(of, query)),
    );
    expect(found.map((rows) => rows.length)).toEqual([3, 1, 1, 4]);
    return found.map((rows) => rows.map((row) => JSON.stringify(row)).sort()).flat();
  };
  const made = async (format: string): Promise<string> => {
    const started = await client.expect<StartedBackup>(202, 'POST', at(), { backup_format: format });
    expect(await client.result(started)).toMatchObject({
      backup_format: format,
      verified: true,
      node_count: 8,
      relationship_count: 9,
    });
    return started.backup_id;
  };
  /** The folder with the files of a downloaded export. */
  const unpacked = async (format: string): Promise<{ backupId: string; files: string }> => {
    const backupId = await made(format);
    const { download_url: url } = await client.expect<{ download_url: string }>(
      200,
      'GET',
      at(`/${backupId}/download`),
    );
    const files = mkdtempSync(join(folder, `${format}-`));
    const response = await fetch(new URL(url, client.url));
    expect(response.status).toBe(200);
    writeFileSync(join(files, 'archive.tar'), Buffer.from(await response.arrayBuffer()));
    execFileSync('tar', ['-xf', 'archive.tar'], { cwd: files });
    const { tables } = await client.expect<{ tables: Row[] }>(200, 'GET', at(`/${backupId}`));
    expect(tables.map(({ table, rows }) => [table, rows])).toEqual([
      ['Every', 6],
      ['Tag', 2],
      ['Unused', 0],
      ['HAS', 5],
      ['NEXT', 4],
    ]);
    const schema = JSON.parse(readFileSync(join(files, 'schema.json'), 'utf8')) as { nodes: { name: string }[] };
    expect(schema.nodes.map(({ name }) => name)).toEqual(['Every', 'Tag', 'Unused']);
    const manifest = JSON.parse(readFileSync(join(files, 'manifest.json'), 'utf8')) as Row;
    expect(manifest).toMatchObject({ format, tables, nodes: { Every: 6, Tag: 2, Unused: 0 } });
    return { backupId, files };
  };
  const sql = async (statement: string): Promise<Row[]> => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      return (await connection.runAndReadAll(statement)).getRowObjectsJson();
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  };
  const comesBack = async (backupId: string): Promise<void> => {
    const body = { new_graph: { graph_name: 'again' } };
    const started = await client.expect<Started>(202, 'POST', at(`/${backupId}/restore`), body);
    expect(await client.result(started)).toMatchObject({ node_count: 8, relationship_count: 9 });
    expect(await every(started.graph_id)).toEqual(await every());
    expect(await relationships(started.graph_id)).toEqual(await relationships());
  };
  const ids = (row: Row): bigint => BigInt(row.id as string);
  const byId = (rows: Row[]): Row[] => rows.sort((a, b) => (ids(a) < ids(b) ? -1 : 1));

  it('as JSON hold the rows as queries give them, and become a graph again', async () => {
    const { backupId, files } = await unpacked('json');
    const read = (table: string): Row[] =>
      readFileSync(join(files, 'data', `${table}.ndjson`), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row);
    expect(byId(read('Every'))).toEqual(await every());
    expect(read('Every').map((row) => Object.keys(row))[0]).toEqual(COLUMNS);
    const has = read('HAS').map((row) => JSON.stringify(row));
    const wanted = HAS.map(({ from, to, note, ...labels }) =>
      JSON.stringify({ from: String(from), to: String(to), ...labels, note: note ?? null }),
    );
    expect(has.sort()).toEqual(wanted.sort());
    expect(read('NEXT')).toContainEqual({ from: 3, to: '9223372036854775807' });
    expect(read('Unused')).toEqual([]);
    await comesBack(backupId);
  }, 180_000);

  it('as Parquet have typed columns, and become a graph again', async () => {
    const { backupId, files } = await unpacked('parquet');
    const path = (table: string): string => `'${join(files, 'data', `${table}.parquet`)}'`;
    const types = await sql(`describe select * from read_parquet(${path('Every')})`);
    expect(Object.fromEntries(types.map(({ column_name: name, column_type: type }) => [name, type]))).toMatchObject({
      id: 'BIGINT',
      u64: 'UBIGINT',
      dec: 'DECIMAL(18,4)',
      day: 'DATE',
      at: 'TIMESTAMP',
      bytes: 'BLOB',
      nested: 'BIGINT[][]',
      i128: 'VARCHAR',
    });
    expect(await sql(`select count(*)::int as n, max(id) as most from ${path('Every')}`)).toEqual([
      { n: 6, most: '9223372036854775807' },
    ]);
    expect(await sql(`select count(*)::int as n from ${path('Unused')}`)).toEqual([{ n: 0 }]);
    await comesBack(backupId);
  }, 180_000);

  it('as CSV are read by other programs, and are not taken for what can be restored', async () => {
    const { backupId, files } = await unpacked('csv');
    const path = (table: string): string => `'${join(files, 'data', `${table}.csv`)}'`;
    const rows = await sql(
      `select * from read_csv(${path('Every')}, all_varchar = true, header = true) order by id::bigint`,
    );
    const expected = await every();
    expect(rows.map(({ id, dec, i128 }) => [id, dec, i128])).toEqual(
      expected.map(({ id, dec, i128 }) => [String(id), dec, i128]),
    );
    expect(JSON.parse(rows.at(-1)!.nested as string)).toEqual(expected.at(-1)!.nested);
    expect(rows.at(-1)!.s).toBe(FULL.s);
    expect(readFileSync(join(files, 'data', 'Unused.csv'), 'utf8')).toBe('key\r\n');
    expect(readFileSync(join(files, 'data', 'NEXT.csv'), 'utf8')).toContain('3,9223372036854775807\r\n');
    expect(await client.expect(200, 'GET', at(`/${backupId}`))).toMatchObject({
      restorable: false,
      status: 'completed',
    });
    expect(await client.refusal('POST', at(`/${backupId}/restore`), {})).toMatchObject({
      status: 409,
      code: 'backup_not_restorable',
    });
    expect(await client.result(await client.expect<Started>(202, 'POST', at(`/${backupId}/verify`)))).toMatchObject({
      verified: true,
    });
  }, 180_000);
});
