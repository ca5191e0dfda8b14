import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineWorld } from '../../../test/support/engine-world';
import type { GenerationRef, TableExport } from '../graph-engine';

/** A value of each type of property that could lose something on its way through Parquet. */
const VALUES: Record<string, string> = {
  STRING: `'ä"x,[1]'`,
  INT64: '-9223372036854775807',
  INT128: `cast('-170141183460469231731687303715884105727' AS INT128)`,
  UINT64: `cast('18446744073709551615' AS UINT64)`,
  DOUBLE: '0.1',
  FLOAT: 'cast(1.5 AS FLOAT)',
  BOOLEAN: 'true',
  DATE: `date('1815-12-10')`,
  TIMESTAMP: `timestamp('2020-01-01 10:00:00.123456')`,
  TIMESTAMP_TZ: `cast('2020-01-01 10:00:00.123456+02' AS TIMESTAMP_TZ)`,
  INTERVAL: `interval('1 year 2 months 3 days 4 hours 5 minutes 6 seconds 7 us')`,
  UUID: `uuid('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')`,
  BLOB: `blob('\\\\xAA\\\\x00\\\\xBB')`,
  'DECIMAL(38, 10)': `cast('1234567890123456789012345678.0123456789' AS DECIMAL(38, 10))`,
  'INT64[]': '[9007199254740993, -1]',
  'STRING[]': `['a', null, 'b']`,
  'DOUBLE[3]': 'cast([1.0, 2.0, 3.5] AS DOUBLE[3])',
  'STRUCT(x INT64, y STRING[])': `{x: 9007199254740993, y: ['q']}`,
  'MAP(STRING, INT64)': `map(['k', 'j'], [9007199254740993, 2])`,
};

describe('exporting a generation', () => {
  let world: EngineWorld;
  let made = 0;
  /** Three people who know each other in a ring. */
  let three: GenerationRef;
  beforeAll(async () => {
    world = new EngineWorld();
    three = await world.ring(3);
  }, 60_000);
  afterAll(() => world.end());

  const never = (): AbortSignal => new AbortController().signal;
  const place = (): string => {
    const directory = join(world.folder, `export-${(made += 1)}`);
    mkdirSync(directory);
    return directory;
  };
  const built = async (definitions: string[]): Promise<GenerationRef> => {
    const target = world.target();
    await world.engine.build({ target, definitions, loads: [] }, { signal: never() });
    return target;
  };
  const person = { name: 'id', type: 'INT64' };

  it('keeps every value of every type when it is loaded again, and no value too', async () => {
    const columns = Object.keys(VALUES).map((type, at) => ({ name: `v ${at}`, type }));
    const list = columns.map(({ name, type }) => `\`${name}\` ${type}`).join(', ');
    const definition = `CREATE NODE TABLE T(id INT64 PRIMARY KEY, ${list})`;
    const set = Object.values(VALUES).map((value, at) => `\`v ${at}\`: ${value}`);
    // No struct may be absent; see below.
    const struct = set.find((one) => one.includes('{x:'));
    const source = await built([
      definition,
      `CREATE (:T {id: 1, ${set.join(', ')}})`,
      `CREATE (:T {id: 2, ${struct}})`,
    ]);
    const directory = place();
    const file = join(directory, 'T.parquet');
    const one: TableExport = { kind: 'node', table: 'T', columns: [person, ...columns], file };
    expect(await world.engine.export(source, [one], directory, { signal: never() })).toEqual([2]);
    const target = world.target();
    const loads = [{ table: 'T', kind: 'node' as const, files: [file], rows: 2 }];
    await world.engine.build(
      { target, definitions: [definition], loads, inputDirectory: directory },
      { signal: never() },
    );
    const all = `MATCH (t:T) RETURN t.id AS id, ${columns.map(({ name }) => `cast(t.\`${name}\` AS STRING) AS \`${name}\``).join(', ')} ORDER BY id`;
    const [before, after] = [await world.rows(source, all), await world.rows(target, all)];
    expect(after.rows).toEqual(before.rows);
    expect(Object.values(after.rows[0])).not.toContain(null);
  });

  it('keeps nested values of many rows, whatever stands in the rows before', async () => {
    const nested = {
      list: ['INT64[]', 'CASE WHEN i % 7 = 0 THEN NULL ELSE range(i, i + i % 5) END'],
      lists: ['INT64[][]', '[range(0, i % 3), [i]]'],
      texts: ['STRING[]', `['t' + cast(i AS STRING), null, '']`],
      fixed: ['INT64[2]', 'cast([i, -i] AS INT64[2])'],
      struct: ['STRUCT(x INT64, y STRING[])', `{x: i, y: ['s' + cast(i AS STRING)]}`],
      map: ['MAP(STRING, INT64)', `map(['k' + cast(i % 4 AS STRING), 'j'], [i, 2])`],
    };
    const list = Object.entries(nested).map(([name, [type]]) => `${name} ${type}`);
    const set = Object.entries(nested).map(([name, [, value]]) => `${name}: ${value}`);
    const definition = `CREATE NODE TABLE T(id INT64 PRIMARY KEY, ${list.join(', ')})`;
    const source = await built([definition, `UNWIND range(1, 3000) AS i CREATE (:T {id: i, ${set.join(', ')}})`]);
    const columns = [person, ...Object.entries(nested).map(([name, [type]]) => ({ name, type }))];
    const names = Object.keys(nested).map((name) => `cast(t.${name} AS STRING) AS ${name}`);
    for (const condition of [undefined, 'n.id % 3 = 1', 'size(n.texts) = 3']) {
      const directory = place();
      const file = join(directory, 'T.parquet');
      const one: TableExport = { kind: 'node', table: 'T', columns, file, condition };
      const [rows] = await world.engine.export(source, [one], directory, { signal: never() });
      const target = world.target();
      const loads = [{ table: 'T', kind: 'node' as const, files: [file], rows }];
      await world.engine.build(
        { target, definitions: [definition], loads, inputDirectory: directory },
        { signal: never() },
      );
      const chosen = condition === undefined ? '' : `WHERE ${condition.replaceAll('n.', 't.')}`;
      const all = `MATCH (t:T) ${chosen} RETURN t.id AS id, ${names.join(', ')} ORDER BY id`;
      const [before, after] = [await world.rows(source, all), await world.rows(target, all)];
      expect(before.rows).toHaveLength(rows);
      expect(after.rows).toEqual(before.rows);
    }
  }, 60_000);

  describe('structs, some of which are NULL', () => {
    const type = 'STRUCT(x INT64, y STRUCT(z STRING))';
    const definitions = [
      `CREATE NODE TABLE T(id INT64 PRIMARY KEY, v ${type})`,
      `CREATE REL TABLE R(FROM T TO T, v ${type})`,
    ];
    const columns = [{ name: 'v', type }];
    const end = { table: 'T', key: person };

    /** Stored by the loader, as graphs are: what it leaves behind in a NULL differs from what CREATE does. */
    const stored = async (rows: number, present: boolean): Promise<GenerationRef> => {
      const value = (id: string): string =>
        `CASE WHEN ${present ? 'false' : `${id} % 3 = 0`} THEN NULL ELSE {'x': ${id}, 'y': {'z': 's' || ${id}}} END AS v`;
      const nodes = await world.parquet(
        `t-${rows}-${present}.parquet`,
        `SELECT i AS id, ${value('i')} FROM range(${rows}) t(i)`,
      );
      const links = await world.parquet(
        `r-${rows}-${present}.parquet`,
        `SELECT i AS a, (i * 17) % ${rows} AS b, ${value('i')} FROM range(${rows}) t(i)`,
      );
      const target = world.target();
      const loads = [
        { table: 'T', kind: 'node' as const, files: [nodes], rows },
        { table: 'R', kind: 'relationship' as const, from: 'T', to: 'T', files: [links], rows },
      ];
      await world.engine.build({ target, definitions, loads, inputDirectory: world.input }, { signal: never() });
      return target;
    };

    it('are not copied, in words', async () => {
      const directory = place();
      const source = await stored(100, false);
      const node: TableExport = { kind: 'node', table: 'T', columns: [person, ...columns], file: join(directory, 't') };
      const link: TableExport = {
        kind: 'relationship',
        table: 'R',
        from: end,
        to: end,
        columns,
        file: join(directory, 'r'),
      };
      for (const one of [node, link, { ...node, condition: 'n.id < 50' }]) {
        const copying = world.engine.export(source, [one], directory, { signal: never() });
        await expect(copying).rejects.toThrow(/structs of [TR] where some are NULL \(v\)/);
      }
    });

    it('are copied where those that are taken are none of them', async () => {
      const directory = place();
      const file = join(directory, 't.parquet');
      const node: TableExport = {
        kind: 'node',
        table: 'T',
        columns: [person, ...columns],
        condition: 'n.id % 3 = 1',
        file,
      };
      const [rows] = await world.engine.export(await stored(9_000, false), [node], directory, { signal: never() });
      const target = world.target();
      const loads = [{ table: 'T', kind: 'node' as const, files: [file], rows }];
      await world.engine.build({ target, definitions, loads, inputDirectory: directory }, { signal: never() });
      const right = "MATCH (t:T) WHERE t.v.x = t.id AND t.v.y.z = 's' + cast(t.id AS STRING) RETURN count(*) AS n";
      expect((await world.rows(target, right)).rows).toEqual([{ n: 3_000 }]);
    });

    it('are right in a large table and of relationships where none is', async () => {
      const directory = place();
      const source = await stored(5_000, true);
      const files = ['t.parquet', 'r.parquet'].map((name) => join(directory, name));
      const exports: TableExport[] = [
        {
          kind: 'node',
          table: 'T',
          columns: [person, ...columns],
          condition: 'n.id % 2 = 1 OR n.id > 100',
          file: files[0],
        },
        { kind: 'relationship', table: 'R', from: end, to: end, columns, file: files[1] },
      ];
      const [nodes, links] = await world.engine.export(source, exports, directory, { signal: never() });
      const target = world.target();
      const loads = [
        { table: 'T', kind: 'node' as const, files: [files[0]], rows: nodes },
        {
          table: 'R',
          kind: 'relationship' as const,
          from: 'T',
          to: 'T',
          files: [files[1]],
          rows: links,
          skipDangling: true,
        },
      ];
      await world.engine.build({ target, definitions, loads, inputDirectory: directory }, { signal: never() });
      const wrong = await world.rows(
        target,
        "MATCH (a:T)-[r:R]->(b:T) WHERE a.v.x <> a.id OR a.v.y.z <> 's' + cast(a.id AS STRING) OR r.v.x <> a.id OR r.v.y.z <> 's' + cast(a.id AS STRING) OR b.id <> (a.id * 17) % 5000 RETURN a.id",
      );
      expect(wrong.rows).toEqual([]);
      const [{ n }] = (await world.rows(target, 'MATCH (:T)-[:R]->(:T) RETURN count(*) AS n')).rows;
      expect(Number(n)).toBeGreaterThan(4_800);
    });
  });

  it('takes all values of the nodes that a condition with a pattern chooses from many', async () => {
    const source = await world.ring(5_000);
    const directory = place();
    const columns = [person, { name: 'name', type: 'STRING' }, { name: 'born', type: 'DATE' }];
    const condition = 'EXISTS { MATCH (n)-[:KNOWS]->(x:Person) WHERE x.id % 2 = 0 }';
    const file = join(directory, 'Person.parquet');
    const one: TableExport = { kind: 'node', table: 'Person', columns, condition, file };
    expect(await world.engine.export(source, [one], directory, { signal: never() })).toEqual([2_500]);
    const target = world.target();
    await world.engine.build(
      {
        target,
        inputDirectory: directory,
        definitions: ['CREATE NODE TABLE Person(id INT64 PRIMARY KEY, name STRING, born DATE)'],
        loads: [{ table: 'Person', kind: 'node', files: [file], rows: 2_500 }],
      },
      { signal: never() },
    );
    const values = 'RETURN p.id AS id, p.name AS name, p.born AS born ORDER BY id';
    const [chosen, loaded] = [
      await world.rows(source, `MATCH (p:Person) WHERE p.id % 2 = 1 ${values}`),
      await world.rows(target, `MATCH (p:Person) ${values}`),
    ];
    expect(loaded.rows).toEqual(chosen.rows);
  });

  it('takes only nodes that meet a condition, and loads the relationships whose ends are both there', async () => {
    const source = await world.ring(10);
    const directory = place();
    const end = { table: 'Person', key: person };
    const file = (name: string): string => join(directory, `${name}.parquet`);
    const node = { kind: 'node' as const, table: 'Person', columns: [person] };
    const since = { name: 'since', type: 'DATE' };
    const exports: TableExport[] = [
      { ...node, condition: 'n.id < 4 // the first ones', file: file('first') },
      {
        ...node,
        condition: 'EXISTS { MATCH (n)-[:KNOWS]->(x:Person) WHERE x.id = 3 } OR n.id = 7',
        file: file('some'),
      },
      { kind: 'relationship', table: 'KNOWS', from: end, to: end, columns: [since], file: file('knows') },
    ];
    expect(await world.engine.export(source, exports, directory, { signal: never() })).toEqual([4, 2, 10]);
    const target = world.target();
    const manifest = await world.engine.build(
      {
        target,
        inputDirectory: directory,
        definitions: [
          'CREATE NODE TABLE Person(id INT64 PRIMARY KEY)',
          'CREATE REL TABLE KNOWS(FROM Person TO Person, since DATE)',
        ],
        loads: [
          { table: 'Person', kind: 'node', files: [file('first')], rows: 4 },
          {
            table: 'KNOWS',
            kind: 'relationship',
            from: 'Person',
            to: 'Person',
            files: [file('knows')],
            rows: 10,
            skipDangling: true,
          },
        ],
      },
      { signal: never() },
    );
    expect(manifest).toMatchObject({ nodes: { Person: 4 }, relationships: { KNOWS: 3 } });
    const pairs = await world.rows(
      target,
      'MATCH (a)-[k:KNOWS]->(b) RETURN a.id AS f, b.id AS t, k.since AS s ORDER BY f',
    );
    expect(pairs.rows).toEqual([0, 1, 2].map((f) => ({ f, t: f + 1, s: '2021-02-03' })));
  });

  it('takes only the relationships of the nodes that were taken, at the end that is meant', async () => {
    const source = await world.ring(10);
    const directory = place();
    const end = { table: 'Person', key: person };
    const file = (name: string): string => join(directory, `${name}.parquet`);
    const nodes = (name: string, condition: string): TableExport => ({
      kind: 'node',
      table: 'Person',
      columns: [{ name: 'name', type: 'STRING' }, person],
      condition,
      file: file(name),
    });
    const knows = (name: string, only: { end: 'from' | 'to'; file: string; column: number }, columns = true) => ({
      kind: 'relationship' as const,
      table: 'KNOWS',
      from: end,
      to: end,
      columns: columns ? [{ name: 'since', type: 'DATE' }] : [],
      only,
      file: file(name),
    });
    const exports = [
      nodes('few', 'n.id IN [2, 3, 7] // these'),
      nodes('none', 'n.id > 100'),
      knows('from-few', { end: 'from', file: file('few'), column: 1 }),
      knows('to-few', { end: 'to', file: file('few'), column: 1 }, false),
      knows('from-none', { end: 'from', file: file('none'), column: 1 }),
    ];
    expect(await world.engine.export(source, exports, directory, { signal: never() })).toEqual([3, 0, 3, 3, 0]);
    const target = world.target();
    const load = (name: string) => ({
      table: 'KNOWS',
      kind: 'relationship' as const,
      from: 'Person',
      to: 'Person',
      files: [file(name)],
      rows: 3,
    });
    const all = await world.engine.export(source, [{ ...nodes('all', 'true'), columns: [person] }], directory, {
      signal: never(),
    });
    expect(all).toEqual([10]);
    await world.engine.build(
      {
        target,
        inputDirectory: directory,
        definitions: [
          'CREATE NODE TABLE Person(id INT64 PRIMARY KEY)',
          'CREATE REL TABLE KNOWS(FROM Person TO Person, since DATE)',
          'CREATE REL TABLE MET(FROM Person TO Person)',
        ],
        loads: [
          { table: 'Person', kind: 'node', files: [file('all')], rows: 10 },
          load('from-few'),
          { ...load('to-few'), table: 'MET' },
        ],
      },
      { signal: never() },
    );
    const pairs = async (type: string) =>
      (await world.rows(target, `MATCH (a)-[r:${type}]->(b) RETURN a.id AS f, b.id AS t ORDER BY f`)).rows;
    expect(await pairs('KNOWS')).toEqual([2, 3, 7].map((f) => ({ f, t: f + 1 })));
    expect(await pairs('MET')).toEqual([1, 2, 6].map((f) => ({ f, t: f + 1 })));
  });

  it.each([
    ['ends before its end', 'true) RETURN n.id AS c0 UNION MATCH (n:Person) WHERE (true', 'statement_refused'],
    ['never ends', "n.name = 'x", 'statement_refused'],
    ['opens a bracket', '[1', 'statement_refused'],
    ['begins another statement', 'true; DROP TABLE Person', 'statement_refused'],
    ['is empty', ' ', 'statement_refused'],
    ['reads a file', `EXISTS { LOAD FROM '/etc/passwd' RETURN 1 }`, 'statement_refused'],
    ['copies', `EXISTS { COPY Person TO 'x.csv' }`, 'statement_refused'],
    ['writes', `EXISTS { MATCH (x:Person) SET x.name = 'y' RETURN x }`, undefined],
    ['deletes', `EXISTS { MATCH (x:Person) DELETE x }`, undefined],
    ['names nothing that is there', 'n.nothing = 1', 'query_invalid'],
    ['speaks of another variable', 'm.id = 1', 'query_invalid'],
    ['wants a parameter', 'n.id = $id', 'statement_refused'],
    ['is no condition', 'n.id', 'query_invalid'],
    ['hides in a comment', 'true /* ', undefined],
  ])('refuses a condition that %s', async (_what, condition, code) => {
    const source = three;
    const expected = code ?? (expect.stringMatching(/^(statement_refused|write_refused|query_invalid)$/) as string);
    await expect(world.engine.checkCondition(source, 'Person', condition)).rejects.toMatchObject({ code: expected });
    const directory = place();
    const one: TableExport = {
      kind: 'node',
      table: 'Person',
      columns: [person],
      condition,
      file: join(directory, 'p.parquet'),
    };
    await expect(
      (async () => world.engine.export(source, [one], directory, { signal: never() }))(),
    ).rejects.toMatchObject({ code: expected });
    expect(readdirSync(directory)).toEqual([]);
    expect((await world.rows(source, 'MATCH (p:Person) RETURN count(*) AS n')).rows).toEqual([{ n: 3 }]);
  });

  it('takes ordinary conditions', async () => {
    const source = three;
    for (const condition of [
      `n.name STARTS WITH 'person (' OR n.name = "it's; fine"`,
      `n.id IN [1, 2] AND (n.score > 0.5 OR NOT n.born IS NULL)`,
      'EXISTS { MATCH (n)-[:KNOWS]->(:Person) }',
    ])
      await world.engine.checkCondition(source, 'Person', condition);
  });

  it('stops when it is cancelled', async () => {
    const source = three;
    const directory = place();
    const controller = new AbortController();
    const columns = [person];
    const slow = 'size(range(1, 200000)) > n.id';
    const one = (at: number): TableExport => ({
      kind: 'node',
      table: 'Person',
      columns,
      condition: slow,
      file: join(directory, `${at}.parquet`),
    });
    const running = world.engine.export(
      source,
      Array.from({ length: 500 }, (_, at) => one(at)),
      directory,
      {
        signal: controller.signal,
        onProgress: () => controller.abort(),
      },
    );
    await expect(running).rejects.toMatchObject({ code: 'build_cancelled' });
  }, 60_000);

  it('is not needed for a copy that stays as it is: that is the same file, and keeps its hash and counts', async () => {
    const spec = await world.ringSpec(50);
    const manifest = await world.engine.build(spec, { signal: never() });
    const copy = { target: world.target(), base: spec.target, unchanged: manifest, definitions: [], loads: [] };
    expect(await world.engine.build(copy, { signal: never() })).toEqual(manifest);
    const { rows } = await world.rows(copy.target, 'MATCH ()-[k:KNOWS]->() RETURN count(*) AS n');
    expect(rows).toEqual([{ n: 50 }]);
    const other = { ...copy, target: world.target(), unchanged: { ...manifest, bytes: manifest.bytes + 1 } };
    await expect(world.engine.build(other, { signal: never() })).rejects.toMatchObject({ code: 'graph_unreadable' });
    expect(existsSync(other.target.directory)).toBe(false);
  });
});
