import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { EngineWorld, until } from '../../test/support/engine-world';
import type { GenerationRef, QueryColumn } from '../engine/graph-engine';
import { DuckDbSession } from '../staging/duckdb/duckdb-session';
import { writeResult } from '../staging/duckdb/write-result';

/** Values of each type that a result's file may be written for by the engine, as DuckDB's SQL. */
const VALUES: Record<string, [type: string, values: string[]]> = {
  bool: ['BOOL', ['true', 'false']],
  i8: ['INT8', ['(-128)::TINYINT', '127::TINYINT']],
  i16: ['INT16', ['(-32768)::SMALLINT', '0::SMALLINT']],
  i32: ['INT32', ['(-2147483648)::INTEGER', '2147483647::INTEGER']],
  i64: ['INT64', ['9007199254740993', '-9223372036854775807', '0::BIGINT']],
  u8: ['UINT8', ['255::UTINYINT', '0::UTINYINT']],
  u16: ['UINT16', ['65535::USMALLINT']],
  u32: ['UINT32', ['4294967295::UINTEGER']],
  u64: ['UINT64', ['18446744073709551615::UBIGINT', '0::UBIGINT']],
  f32: ['FLOAT', [`'NaN'::FLOAT`, `'-inf'::FLOAT`, '0.1::FLOAT', '3.4e38::FLOAT']],
  f64: [
    'DOUBLE',
    [`'NaN'::DOUBLE`, `'inf'::DOUBLE`, '(-0.0)::DOUBLE', '5e-324::DOUBLE', '1.7e308::DOUBLE', '0.1::DOUBLE'],
  ],
  text: [
    'STRING',
    [`''`, `'a "quoted", üñí\u{1F600}'`, `'line' || chr(10) || 'tab' || chr(9)`, `repeat('long ', 100)`],
  ],
  day: ['DATE', [`DATE '0001-01-01'`, `DATE '1969-12-31'`, `DATE '9999-12-31'`]],
  at: ['TIMESTAMP', [`TIMESTAMP '1905-02-03 04:05:06.123456'`, `TIMESTAMP '2200-01-01 00:00:00.000001'`]],
  tz: ['TIMESTAMP_TZ', [`TIMESTAMPTZ '2020-01-02 03:04:05.123456+02'`, `TIMESTAMPTZ '1960-01-01 00:00:00+00'`]],
  id: ['UUID', [`'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID`, `'00000000-0000-0000-0000-000000000001'::UUID`]],
  bytes: ['BLOB', [`'\\xAA\\x00b'::BLOB`, `''::BLOB`]],
};
const PEOPLE = 6_000;
const PROPERTIES = ['key', ...Object.keys(VALUES)];

const PATTERNS = ['(p:P)', '(p:P)-[k:K]->(q:P)', '()-[k:K]->(q:P)', '(p:P)-[k:K]-(q:P)', '(p:P)-[:K]->()'];
const CONDITIONS = ['p.key < 3', 'p.bool', 'p.key % 7 = 0', 'p.text IS NULL', 'q.key > 5990', 'k.w STARTS WITH "1"'];
const TAILS = ['', ' LIMIT 100000', ' ORDER BY c0', ' // all of them', ' ; '];

/** The engine's own Parquet beside what DuckDB makes of the rows. */
describe('a result that the engine writes as Parquet', () => {
  const world = new EngineWorld();
  const folder = join(world.folder, 'compared');
  let graph: GenerationRef;
  let duckdb: DuckDbSession;

  beforeAll(async () => {
    mkdirSync(folder);
    graph = await build();
    duckdb = await DuckDbSession.open(
      { memoryMb: 500, threads: 1, directory: world.folder, tempDirectory: folder },
      { ordered: true },
    );
  }, 60_000);
  afterAll(() => world.end());

  async function build(): Promise<GenerationRef> {
    const columns = Object.entries(VALUES).map(([name, [, values]], at) => {
      const choices = values.map((value, i) => `when ${i} then ${value}`).join(' ');
      // One more than there are: the last is null.
      return `case hash(i * 31 + ${at}) % ${values.length + 1} ${choices} end as ${name}`;
    });
    const nodes = await world.parquet('p.parquet', `select i as key, ${columns.join(', ')} from range(${PEOPLE}) t(i)`);
    const edges = `select i % ${PEOPLE} as a, (i * 7) % ${PEOPLE} as b, case when i % 4 > 0 then (i % 90)::varchar end as w`;
    const knows = await world.parquet('k.parquet', `${edges} from range(${2 * PEOPLE}) t(i)`);
    const properties = Object.entries(VALUES).map(([name, [type]]) => `${name} ${type}`);
    const target = world.target();
    await world.engine.build(
      {
        target,
        inputDirectory: world.input,
        definitions: [
          `CREATE NODE TABLE P(key INT64 PRIMARY KEY, ${properties.join(', ')}, list INT64[])`,
          'CREATE REL TABLE K(FROM P TO P, w STRING)',
        ],
        loads: [
          { table: 'P', kind: 'node', files: [await withList(nodes)], rows: PEOPLE },
          { table: 'K', kind: 'relationship', from: 'P', to: 'P', files: [knows], rows: 2 * PEOPLE },
        ],
      },
      { signal: new AbortController().signal },
    );
    return target;
  }
  const withList = (nodes: string): Promise<string> =>
    world.parquet('list.parquet', `select *, [key, null, key] as list from '${nodes}'`);

  /** The file, where the engine wrote one. */
  async function written(statement: string, parameters: Record<string, unknown> = {}): Promise<string | undefined> {
    const request = { statement, parameters, timeoutMs: 40_000, format: 'ndjson' as const, toFile: true };
    const stream = await world.engine.query(graph, request);
    for await (const _ of stream.batches) continue;
    await stream.summary;
    return stream.file;
  }

  async function fromRows(statement: string): Promise<{ file: string; columns: QueryColumn[] }> {
    const { rows, columns } = await rowsOf(statement);
    const [input, file] = [join(folder, 'rows.ndjson'), join(folder, 'rows.parquet')];
    writeFileSync(input, rows);
    await writeResult(duckdb, { task: 'write_result', input, output: file, columns });
    return { file, columns };
  }

  async function rowsOf(statement: string): Promise<{ rows: string; columns: QueryColumn[] }> {
    const request = { statement, parameters: {}, timeoutMs: 40_000, format: 'ndjson' as const };
    const stream = await world.engine.query(graph, request);
    let rows = '';
    for await (const { bytes } of stream.batches) rows += bytes.toString();
    return { rows, columns: stream.columns };
  }

  const typesOf = async (file: string) =>
    (await duckdb.rows(`describe select * from '${file}'`)).map((row) => [row.column_name, row.column_type]);
  async function differences(one: string, other: string): Promise<number> {
    const numbered = (file: string): string => `select * from '${file}'`;
    const [a, b] = [numbered(one), numbered(other)];
    const [{ n }] = await duckdb.rows(
      `select count(*) as n from ((${a} except all ${b}) union all (${b} except all ${a}))`,
    );
    return Number(n);
  }

  it('holds the same values, of the same types, as one that is made of its rows', async () => {
    let files = 0;
    const statements = fc.record({
      pattern: fc.constantFrom(...PATTERNS),
      conditions: fc.uniqueArray(fc.constantFrom(...CONDITIONS), { maxLength: 2 }),
      properties: fc.uniqueArray(fc.constantFrom(...PROPERTIES), { minLength: 1, maxLength: 8 }),
      ofBoth: fc.boolean(),
      tail: fc.constantFrom(...TAILS),
    });
    await fc.assert(
      fc.asyncProperty(statements, async ({ pattern, conditions, properties, ofBoth, tail }) => {
        const [has, first] = [
          (variable: string) => pattern.includes(`${variable}:`),
          pattern.includes('p:') ? 'p' : 'q',
        ];
        const items = properties.map((name, i) => `${ofBoth && i % 2 === 1 && has('q') ? 'q' : first}.${name}`);
        if (has('k')) items.push('k.w');
        const where = conditions.filter((one) => has(one[0]));
        const condition = where.length > 0 ? ` WHERE ${where.join(' AND ')}` : '';
        const statement = `MATCH ${pattern}${condition} RETURN ${items.map((item, i) => `${item} AS c${i}`).join(', ')}${tail}`;
        const file = await written(statement);
        if (file === undefined) return;
        files += 1;
        const other = await fromRows(statement);
        expect([statement, await typesOf(file)]).toEqual([statement, await typesOf(other.file)]);
        expect([statement, await differences(file, other.file)]).toEqual([statement, 0]);
      }),
      { numRuns: 30, seed: 7 },
    );
    // Else it would say nothing.
    expect(files).toBeGreaterThan(10);
  }, 180_000);

  it.each([
    ['all types', `MATCH (p:P) RETURN ${PROPERTIES.map((name) => `p.${name}`).join(', ')}`],
    ['both ends of a relationship', 'MATCH (p:P)-[k:K]->(q:P) RETURN p.key, q.key, k.w'],
    ['no rows', 'MATCH (p:P) WHERE p.key < 0 RETURN p.key, p.text'],
    ['a comment at its end', 'MATCH (p:P) RETURN p.key // ) TO "elsewhere"'],
    ['a semicolon and a comment', 'MATCH (p:P) RETURN p.key; /* ; */ // the end'],
    ['text that reads like a clause', `MATCH (p:P) WHERE p.text <> "\\") TO 'x' //" RETURN p.key`],
  ])('is taken for %s', async (_what, statement) => {
    const file = await written(statement);
    expect(file).toBeDefined();
    const other = await fromRows(statement);
    expect(await typesOf(file!)).toEqual(await typesOf(other.file));
    expect(await differences(file!, other.file)).toBe(0);
  });

  it('has the order that was asked for', async () => {
    const file = await written('MATCH (p:P)-[k:K]->(q:P) RETURN p.key AS a, q.key AS b ORDER BY b DESC, a');
    const rows = await duckdb.rows(`select a, b from '${file!}'`);
    const sorted = [...rows].sort((x, y) => Number(y.b) - Number(x.b) || Number(x.a) - Number(y.a));
    expect(rows).toHaveLength(2 * PEOPLE);
    expect(rows).toEqual(sorted);
  });

  it('may have parameters', async () => {
    const file = await written('MATCH (p:P) WHERE p.key < $most RETURN p.key', { most: 10 });
    expect(await world.count(file!)).toBe(10);
  });

  it.each([
    ['a value twice', 'MATCH (p:P) RETURN p.bool AS a, p.i64 AS b, p.bool AS c'],
    ['a value twice, quoted', 'MATCH (p:P) RETURN p.bool AS a, p.i64 AS b, `p`.`bool` AS c'],
    ['one thing by two names', 'MATCH (p:P) WITH p, p AS q RETURN p.bool AS a, q.bool AS b'],
    ['names that differ in case', 'MATCH (p:P) RETURN p.bool AS a, p.i64 AS A'],
    ['names that are equal', 'MATCH (p:P) RETURN p.bool AS a, p.i64 AS a'],
    ['lists', 'MATCH (p:P)-[k:K]->(q:P) RETURN k.w AS a, p.list AS b'],
    ['values of its own', 'MATCH (p:P) RETURN p.key AS a, 1 AS b'],
    ['what the engine writes fewer values of than rows', 'MATCH (p:P)-[:K]->() RETURN p.day AS a, p.text AS b'],
    ['a condition with a pattern', 'MATCH (p:P) WHERE EXISTS { MATCH (p)-[:K]->(q:P) WHERE q.bool } RETURN p.key AS a'],
    ['a limit half-way', 'MATCH (p:P) WITH p ORDER BY p.key LIMIT 10 MATCH (p)-[:K]->(q:P) RETURN q.key AS a'],
    ['nodes', 'MATCH (p:P) RETURN p'],
    ['a plan', 'EXPLAIN MATCH (p:P) RETURN p.key'],
    ['a run plan', 'PROFILE MATCH (p:P) RETURN p.key'],
    ['a call', 'CALL show_tables() RETURN name'],
    ['a union', 'MATCH (p:P) RETURN p.key AS a UNION ALL MATCH (p:P) RETURN p.key AS a'],
  ])('is not taken for %s', async (_what, statement) => {
    expect(await written(statement)).toBeUndefined();
  });

  it.each([
    'MATCH (p:P) RETURN p.key) TO "/tmp/elsewhere.parquet" //',
    'MATCH (p:P) RETURN p.key\n) TO "/tmp/elsewhere.parquet"; //',
    'MATCH (p:P) RETURN p.key; MATCH (p:P) RETURN p.key',
    'COPY (MATCH (p:P) RETURN p.key) TO "/tmp/elsewhere.parquet"',
    'MATCH (p:P) RETURN p.key /* ',
    'MATCH (p:P) RETURN p.key "',
  ])('is no way to have anything else written: %s', async (statement) => {
    await expect(written(statement)).rejects.toMatchObject({
      code: expect.stringMatching(/^(query_invalid|statement_refused)$/) as string,
    });
  });

  it('leaves no file of a reader who is gone', async () => {
    const files = (): string[] => readdirSync(join(world.folder, 'scratch'), { recursive: true }) as string[];
    const before = files();
    const leaving = new AbortController();
    const statement = 'MATCH (p:P)-[k:K]->(q:P) RETURN p.key, q.key, q.text';
    const asked = world.engine.query(
      graph,
      { statement, parameters: {}, timeoutMs: 40_000, format: 'ndjson', toFile: true },
      leaving.signal,
    );
    leaving.abort();
    await expect(asked).rejects.toMatchObject({ code: 'query_cancelled' });
    const idle = (): boolean => world.engine.status(graph).runningQueries === 0;
    await until('its file is gone', () => idle() && files().length === before.length);
    await world.engine.release(graph, 0);
    await until('the folder goes with its host', () => files().length === 0);
  });
});
