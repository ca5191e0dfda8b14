import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';
import { PlatformConfig } from '../config/platform.config';
import { QueriesConfig } from './queries.config';

const PARQUET = 'application/vnd.apache.parquet';
const WAIT = { prefer: 'wait=50' };

/** The columns of a file by their Parquet types as DuckDB names them, and its rows with exact numbers as text. */
interface Read {
  types: Record<string, string>;
  rows: Record<string, unknown>[];
}

const SAMPLES: [expression: string, type: string, value: unknown][] = [
  ['9007199254740993', 'BIGINT', '9007199254740993'],
  ['cast(200 AS UINT8)', 'UTINYINT', 200],
  ['cast("170141183460469231731687303715884105727" AS INT128)', 'VARCHAR', '170141183460469231731687303715884105727'],
  ['cast("-0.10" AS DECIMAL(18,2))', 'DECIMAL(18,2)', '-0.10'],
  ['cast(1.5 AS FLOAT)', 'FLOAT', 1.5],
  ['cast("NaN" AS DOUBLE)', 'DOUBLE', 'NaN'],
  ['date("2020-01-31")', 'DATE', '2020-01-31'],
  ['timestamp("2020-01-31 10:20:30.045678")', 'TIMESTAMP', '2020-01-31 10:20:30.045678'],
  [
    'cast("2020-01-31 10:20:30.045678+00" AS TIMESTAMP_TZ)',
    'TIMESTAMP WITH TIME ZONE',
    '2020-01-31 10:20:30.045678+00',
  ],
  ['interval("1 month 2 days 3 microseconds")', 'VARCHAR', 'P1M2DT0.000003S'],
  ['uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")', 'UUID', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['blob("\\\\xAA\\\\x01")', 'BLOB', '\\xAA\\x01'],
  ['[9007199254740993, null]', 'BIGINT[]', ['9007199254740993', null]],
  ['[blob("\\\\xAA")]', 'BLOB[]', ['\\xAA']],
  ['{a: 1, `b c`: date("2020-01-31")}', 'STRUCT(a BIGINT, "b c" DATE)', { a: '1', 'b c': '2020-01-31' }],
  ['map(["k"], [7])', 'MAP(VARCHAR, BIGINT)', [{ key: 'k', value: '7' }]],
  ['"a \\"text\\", ünïcode"', 'VARCHAR', 'a "text", ünïcode'],
  ['true', 'BOOLEAN', true],
];

describe('results as Parquet', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graph: string;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'parquet-'));
    database = await testDatabase();
    api = await ApiApp.start(database.url, { ROLES: 'api,worker,engine' });
    user = await api.user();
    graph = await queriedGraph(api, user);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const query = (statement: string, headers: Record<string, string> = { accept: PARQUET }) =>
    api.call(`POST /v1/graphs/${graph}/query`, user, { query: statement }, headers);
  async function read(bytes: Buffer): Promise<Read> {
    const file = join(folder, 'answer.parquet');
    writeFileSync(file, bytes);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(`set TimeZone = 'UTC'`);
    const described = await connection.runAndReadAll(`describe select * from '${file}'`);
    const types = described.getRowObjectsJson().map((row) => [row.column_name, row.column_type]);
    const rows = (await connection.runAndReadAll(`select * from '${file}'`)).getRowObjectsJson();
    connection.closeSync();
    return { types: Object.fromEntries(types) as Read['types'], rows };
  }
  async function kept(statement: string): Promise<Buffer> {
    const begun = await api.call(`POST /v1/graphs/${graph}/queries`, user, { query: statement }, WAIT);
    const { operation_id: id } = begun.json<{ operation_id: string }>();
    const answer = await api.call(`GET /v1/graphs/${graph}/queries/${id}/download?format=parquet`, user);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, PARQUET]);
    return answer.rawPayload;
  }
  const directories = () => readdirSync(api.get(PlatformConfig).path('parquet'));

  it('have exact types and values, at once and kept alike', async () => {
    const columns = SAMPLES.map(([expression], index) => `${expression} AS c${index}`);
    const statement = `RETURN ${columns.join(', ')}`;
    const answer = await query(statement);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, PARQUET]);
    for (const bytes of [answer.rawPayload, await kept(statement)]) {
      const { types, rows } = await read(bytes);
      expect(Object.values(types)).toEqual(SAMPLES.map(([, type]) => type));
      expect(rows).toEqual([Object.fromEntries(SAMPLES.map(([, , value], index) => [`c${index}`, value]))]);
    }
  }, 90_000);

  it('keep their order, absent values, and names that are told apart', async () => {
    const statement =
      'UNWIND range(1, 30000) AS n RETURN n, CASE WHEN n % 2 = 0 THEN n END AS even, n AS n ORDER BY n DESC';
    for (const bytes of [(await query(statement)).rawPayload, await kept(statement)]) {
      const { types, rows } = await read(bytes);
      expect(Object.keys(types)).toEqual(['n', 'even', 'n_2']);
      expect(rows).toHaveLength(30_000);
      expect([rows[0], rows[1], rows[29_999]]).toEqual([
        { n: '30000', even: '30000', n_2: '30000' },
        { n: '29999', even: null, n_2: '29999' },
        { n: '1', even: null, n_2: '1' },
      ]);
    }
  }, 90_000);

  it('have their columns where there is no row', async () => {
    const statement = 'MATCH (p:Person) RETURN p.id AS id, p AS p, p.name AS name';
    for (const bytes of [(await query(statement)).rawPayload, await kept(statement)]) {
      expect(await read(bytes)).toEqual({
        types: { id: 'BIGINT', p: expect.any(String) as string, name: 'VARCHAR' },
        rows: [],
      });
    }
  }, 90_000);

  it('are problem documents where they fail, and leave nothing behind', async () => {
    expect((await query('RETURN n')).json()).toMatchObject({ status: 400, code: 'query_invalid' });
    expect((await query('RETURN 1 AS a, 2 AS A')).json()).toMatchObject({ status: 400, code: 'duplicate_column' });
    const late = await query(
      'UNWIND range(1, 100000) AS n RETURN n, CASE WHEN n = 99999 THEN cast("x" AS INT64) END AS x',
    );
    expect(late.json()).toMatchObject({ status: 400, code: 'query_invalid' });
    expect(directories()).toEqual([]);
  }, 60_000);

  it('are refused while as many are written as may be', async () => {
    const config = api.get(QueriesConfig) as { parquetConcurrency: number };
    const before = config.parquetConcurrency;
    config.parquetConcurrency = 0;
    try {
      expect((await query('RETURN 1 AS a')).json()).toMatchObject({ status: 503, code: 'engine_busy' });
    } finally {
      config.parquetConcurrency = before;
    }
    expect((await query('RETURN 1 AS a')).statusCode).toBe(200);
    expect(directories()).toEqual([]);
  }, 60_000);
});
