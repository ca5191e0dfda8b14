import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '@duckdb/node-api';
import type { DomainError } from '../../src/common/domain-error';
import { Confinement } from '../../src/engine/confinement';
import { DuckDbSession } from '../../src/staging/duckdb/duckdb-session';
import type { QueryJob, QueryResult } from '../../src/staging/duckdb/messages';
import { guardSql } from '../../src/staging/duckdb/sql-guard';
import { StagingEngine } from '../../src/staging/duckdb/staging-engine';
import { StagingConfig } from '../../src/staging/staging.config';

/*
 * What an attacker with the right to look at one graph's staging tables would try in SQL. No sandbox: the walls are the
 * parser's tree and DuckDB's own lock-down.
 */
const base = mkdtempSync(join(tmpdir(), 'graphstead-sql-'));
const directory = join(base, 'work');
const secret = join(base, 'secret.csv');
const loot = join(directory, 'loot.csv');
const part = join(directory, 'parts', 'person.parquet');

const REFUSED: string[] = [
  `select * from read_csv('${secret}')`,
  `select * from '${secret}'`,
  `select * from "${secret}"`,
  `from '${secret}'`,
  `from "${part}"`,
  `select * from read_parquet('${part}')`,
  `select (select content from read_text('${secret}'))`,
  `with x as materialized (select * from read_text('${secret}')) select * from x`,
  `select * from person where exists (select 1 from read_blob('${secret}'))`,
  `select * from person, lateral (select * from read_csv_auto('${secret}'))`,
  `select * from person union all by name select * from glob('${base}/*')`,
  `select * from/**/read_csv/**/('${secret}')`,
  `SELECT * FROM "read_csv"('${secret}')`,
  `select * from main.read_csv('${secret}')`,
  `select * from sniff_csv('${secret}')`,
  `select * from parquet_metadata('${part}')`,
  `select * from query('select * from read_text(''${secret}'')')`,
  `select * from query_table(['person'])`,
  `describe select * from read_csv('${secret}')`,
  `summarize from '${secret}'`,
  `copy person to '${loot}'`,
  `copy (select 1) to '${loot}'`,
  `COPY/**/person/**/TO/**/'${loot}'`,
  `export database '${loot}'`,
  `import database '${base}'`,
  `attach '${base}/other.duckdb' as other`,
  'detach main',
  'use main',
  'install httpfs',
  'load httpfs',
  `load '${base}/evil.duckdb_extension'`,
  'set threads = 1',
  `set allowed_directories = ['/']`,
  'set enable_external_access = true',
  'reset memory_limit',
  'pragma database_list',
  'pragma database_size',
  'call pragma_version()',
  'call duckdb_settings()',
  'select * from duckdb_settings()',
  `select * from duckdb_settings() where name = 'temp_directory'`,
  'select * from duckdb_views()',
  'select * from duckdb_databases()',
  'select * from duckdb_secrets()',
  'select * from duckdb_temporary_files()',
  'select * from pragma_database_list',
  'select * from pragma_database_list()',
  'select * from information_schema.tables',
  'select * from pg_catalog.pg_views',
  'select * from sqlite_master',
  `select current_setting('temp_directory')`,
  `select CURRENT_SETTING('temp_directory') from person`,
  `select getvariable('x')`,
  `select [current_setting(x) for x in ['temp_directory']]`,
  `select id from person order by current_setting('temp_directory')`,
  'show tables',
  'show all tables',
  'show databases',
  'create table evil as select 1',
  'create view evil as select 1',
  `create macro evil() as table select * from read_text('${secret}')`,
  'create or replace view person as select 1',
  'drop view person',
  `insert into person values ('x', 1)`,
  'delete from person',
  `update person set id = 'x'`,
  'truncate person',
  'begin transaction',
  'checkpoint',
  'vacuum',
  'prepare p as select 1',
  'execute p',
  `create secret s (type s3, key_id 'x', secret 'y')`,
  'explain select * from person',
  'select 1; drop view person',
];

const INVALID = ['select 1; select 2', 'selec 1', '', ';', 'select nothing from person'];

const ANSWERED: [string, Json[], Json[][]][] = [
  [
    'select id, age from person order by id',
    [],
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
  ['select * from main.person where id = ?', ['b'], [['b', 2]]],
  ['select $1::int + $2 as x', [1, 2.5], [[3.5]]],
  [`select 'copy (select 1) to x' as x -- attach it`, [], [['copy (select 1) to x']]],
  ['with read_csv as (select 1 as load) select load from read_csv', [], [[1]]],
  ['select count(*) from empty', [], [[0]]],
  ['from range(3) select sum(range)', [], [[3]]],
  ['select 9007199254740993, 12, 1.50::decimal(5,2)', [], [['9007199254740993', 12, '1.50']]],
  [
    `select timestamp '2020-01-02 03:04:05.123456', date '2020-01-02', 'ab'::blob`,
    [],
    [['2020-01-02T03:04:05.123456Z', '2020-01-02', 'YWI=']],
  ],
  [
    `select interval '1 month 2 days 1.5 seconds', [1, null], {a: 1::hugeint}`,
    [],
    [['P1M2DT1.5S', [1, null], { a: 1 }]],
  ],
  ['select id, id from person limit 1', [], [['a', 'a']]],
  ['select null, true; ', [], [[null, true]]],
];

describe('who may look at staging tables', () => {
  let engine: StagingEngine;
  let session: DuckDbSession;

  const run = (sql: string, more: Partial<QueryJob> = {}): Promise<QueryResult> => {
    const columns = [{ name: 'id', type: 'STRING' as const }];
    const tables = [
      { table: 'person', parts: [part], columns },
      { table: 'empty', parts: [], columns },
    ];
    const limits = { offset: 0, limit: 100, maxBytes: 100_000, timeoutMs: 20_000 };
    const job: QueryJob = { task: 'query', tables, sql, parameters: [], ...limits, ...more };
    return engine.run(job, { directory, signal: new AbortController().signal });
  };
  const failureOf = async (sql: string, more?: Partial<QueryJob>): Promise<DomainError> => {
    const answer = await run(sql, more).catch((error: unknown) => error as DomainError);
    if (!(answer instanceof Error)) throw new Error(`Answered: ${JSON.stringify(answer.rows)}`);
    // Their own words may come back to them, ours not.
    if (!sql.includes(base)) expect(answer.message).not.toContain(base);
    return answer;
  };

  beforeAll(async () => {
    mkdirSync(join(directory, 'parts'), { recursive: true });
    writeFileSync(secret, 'the-crown-jewels\n');
    engine = new StagingEngine(new StagingConfig(), new Confinement('none'));
    const csv = join(directory, 'person.csv');
    writeFileSync(csv, 'id,age\na,1\nb,2\n');
    const job = {
      task: 'stage' as const,
      format: 'csv' as const,
      input: csv,
      output: part,
      types: { age: 'INT32' as const },
    };
    await engine.run(job, { directory, signal: new AbortController().signal });
    const limits = { memoryMb: 256, threads: 1, directory, tempDirectory: join(directory, '.duckdb') };
    session = await DuckDbSession.open(limits, { ordered: true });
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  it.each(REFUSED)('is refused %j', async (sql) => {
    await expect(guardSql(session, sql, ['person', 'empty'])).rejects.toMatchObject({
      failure: { code: 'sql_refused' },
    });
  });

  it('reaches nothing and writes nothing in the process that would run it', async () => {
    for (const sql of REFUSED.filter((_, index) => index % 9 === 0)) {
      expect([sql, (await failureOf(sql)).code]).toEqual([sql, 'statement_refused']);
    }
    expect(existsSync(loot)).toBe(false);
    expect(readdirSync(directory).sort()).toEqual(['parts', 'person.csv']);
  });

  it.each(INVALID)('is told what is wrong with %j', async (sql) => {
    expect(await failureOf(sql)).toMatchObject({ code: 'sql_invalid', kind: 'bad_request' });
  });

  it.each(ANSWERED)('may ask %j', async (sql, parameters, rows) => {
    expect((await run(sql, { parameters })).rows).toEqual(rows);
  });

  it('gets pages, and is told of more', async () => {
    const sql = 'select range from range(5000) order by range';
    const first = await run(sql, { limit: 2 });
    expect(first).toMatchObject({ rows: [[0], [1]], truncated: true, columns: [{ name: 'range', type: 'BIGINT' }] });
    expect(await run(sql, { offset: 4_997, limit: 3 })).toMatchObject({
      rows: [[4997], [4998], [4999]],
      truncated: false,
    });
    expect(await run(sql, { offset: 4_096, limit: 1 })).toMatchObject({ rows: [[4096]], truncated: true });
    expect(await run(sql, { offset: 6_000 })).toMatchObject({ rows: [], truncated: false });
    const cut = await run(`select repeat('x', 60) from range(10)`, { maxBytes: 130 });
    expect(cut).toMatchObject({ truncated: true });
    expect(cut.rows).toHaveLength(2);
  });

  it('has as much time as there is, and no more', async () => {
    const endless = 'select count(*) from range(100000000) a, range(100000000) b where a.range * b.range = 7';
    expect(await failureOf(endless, { timeoutMs: 300 })).toMatchObject({ code: 'query_timeout', kind: 'timeout' });
  });

  it('has as much memory as there is, and no more', async () => {
    const whole = engine;
    engine = new StagingEngine(Object.assign(new StagingConfig(), { memoryMb: 128 }), new Confinement('none'));
    try {
      const hungry = await failureOf('select list(range) from range(1000000000)');
      expect(hungry).toMatchObject({ code: 'query_out_of_memory', kind: 'unavailable' });
    } finally {
      engine = whole;
    }
  });

  it('gives exactly the parameters that the statement has', async () => {
    expect(await failureOf('select ?', { parameters: [] })).toMatchObject({ code: 'sql_invalid' });
    expect(await failureOf('select 1', { parameters: [1] })).toMatchObject({ code: 'sql_invalid' });
    expect(await failureOf('select ?', { parameters: [[1]] })).toMatchObject({ code: 'sql_invalid' });
  });
});
