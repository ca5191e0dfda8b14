import { createHash } from 'node:crypto';
import fs, { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineWorld, until } from '../../../test/support/engine-world';
import type { BuildSpec, GenerationManifest, GenerationRef, TableLoad } from '../graph-engine';
import { generationFiles, graphFile, graphLog } from './graph-file';
import { processTree } from './process-memory';

const KNOWS = { table: 'KNOWS', kind: 'relationship', from: 'Person', to: 'Person' } as const;

describe('adding rows to the log of a generation', () => {
  let world: EngineWorld;
  beforeAll(() => {
    world = new EngineWorld();
  });
  afterAll(() => world.end());
  jest.setTimeout(120_000);

  const never = (): AbortSignal => new AbortController().signal;
  const hash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
  const inode = (ref: GenerationRef): number => statSync(graphFile(ref.directory)).ino;
  const names = (ref: GenerationRef): string[] => readdirSync(ref.directory);
  const build = (spec: Omit<BuildSpec, 'target' | 'definitions'>): Promise<GenerationManifest> =>
    world.engine.build(
      { target: world.target(), inputDirectory: world.input, definitions: [], ...spec },
      { signal: never() },
    );
  /** Relationships from person 0 to the persons from `first` on. */
  const knows = async (first: number, rows: number): Promise<TableLoad> => ({
    ...KNOWS,
    files: [
      await world.parquet(
        `more-${first}-${rows}.parquet`,
        `SELECT CAST(0 AS BIGINT) AS end_from, i AS end_to, DATE '2022-01-01' AS since FROM range(${first}, ${first + rows}) t(i)`,
      ),
    ],
    rows,
  });
  /** So many persons with names so long. */
  const persons = async (first: number, rows: number, characters: number): Promise<TableLoad> => ({
    table: 'Person',
    kind: 'node',
    files: [
      await world.parquet(
        `wide-${first}.parquet`,
        `SELECT i AS id, repeat(chr(CAST(97 + i % 26 AS INTEGER)), ${characters}) AS name, NULL::DATE AS born,
         NULL::TIMESTAMP AS seen, 0.5::DOUBLE AS score FROM range(${first}, ${first + rows}) t(i)`,
      ),
    ],
    rows,
    upsert: true,
  });
  const degree = async (ref: GenerationRef): Promise<unknown> =>
    (await world.rows(ref, 'MATCH (:Person {id: 0})-[k:KNOWS]->() RETURN count(k) AS n')).rows[0].n;

  it('shares the database file, measures both files, and reads what the base and each log after it hold', async () => {
    const base = await world.ring(100);
    const before = hash(graphFile(base.directory));
    let last = base;
    for (let load = 1; load <= 3; load += 1) {
      const manifest = await build({
        base: { ...last, sha256: before },
        loads: [await knows(10 * load, 5), await persons(100 + load, 1, 10)],
      });
      expect(names(world.last)).toEqual(['graph.lbug', 'graph.lbug.wal']);
      expect(inode(world.last)).toBe(inode(base));
      const [file, log] = (await generationFiles(world.last.directory)).map((path) => ({
        bytes: statSync(path).size,
        sha256: hash(path),
      }));
      expect(manifest).toMatchObject({
        bytes: file.bytes + log.bytes,
        sha256: before,
        log,
        nodes: { Person: 100 + load },
        relationships: { KNOWS: 100 + 5 * load },
      });
      for (let open = 0; open < 3; open += 1) {
        expect(await degree(world.last)).toBe(1 + 5 * load);
        await world.engine.release(world.last, 5_000);
      }
      last = world.last;
    }
    expect(await degree(base)).toBe(1);
    expect(hash(graphFile(base.directory))).toBe(before);
    // Whoever has the file goes, the others keep it.
    await world.engine.drop(base);
    expect(await degree(last)).toBe(16);
  });

  it('is followed by changes of tables, also where a property was dropped before', async () => {
    let last = await world.ring(10);
    const alter = async (definition: string): Promise<void> => {
      await world.engine.build(
        { target: world.target(), base: last, definitions: [definition], loads: [] },
        { signal: never() },
      );
      last = world.last;
    };
    await alter('ALTER TABLE Person ADD city STRING');
    await alter('ALTER TABLE Person DROP city');
    await build({ base: { ...last, sha256: hash(graphFile(last.directory)) }, loads: [await persons(10, 1, 3)] });
    last = world.last;
    expect(names(last)).toEqual(['graph.lbug', 'graph.lbug.wal']);
    await alter('ALTER TABLE Person DROP seen');
    const { rows } = await world.rows(last, 'MATCH (p:Person) WHERE p.id > 8 RETURN p.* ORDER BY p.id');
    expect(rows).toEqual([
      { 'p.id': 9, 'p.name': 'person 9', 'p.born': '2000-01-10', 'p.score': 4.5 },
      { 'p.id': 10, 'p.name': 'kkk', 'p.born': null, 'p.score': 0.5 },
    ]);
  });

  it('merges the log once it is long, and copies at once what would make it long', async () => {
    const base = await world.ring(100);
    const long = await build({ base, loads: [await persons(100, 2_500, 2_000)] });
    expect(long.log?.bytes).toBeGreaterThan(4 * 1024 * 1024);
    const logged = world.last;
    const merged = await build({ base: logged, loads: [await knows(5, 1)] });
    expect(merged).toMatchObject({ nodes: { Person: 2_600 }, relationships: { KNOWS: 101 } });
    expect([merged.log, names(world.last)]).toEqual([undefined, ['graph.lbug']]);
    expect(await degree(world.last)).toBe(2);
    expect(names(logged)).toEqual(['graph.lbug', 'graph.lbug.wal']);
    const many = await build({ base, loads: [await knows(0, 100), await persons(100, 20_000, 1)] });
    expect([many.log, many.nodes]).toEqual([undefined, { Person: 20_100 }]);
    const wide = await build({ base, loads: [await persons(100, 2_000, 9_000)] });
    expect([wide.log, wide.nodes]).toEqual([undefined, { Person: 2_100 }]);
    expect(await degree(base)).toBe(1);
  });

  it('merges a log when nobody waits, and the next build begins with what came of that', async () => {
    const base = await world.ring(100);
    const logged = await build({ base, loads: [await persons(100, 800, 2_000)], mergeLater: true });
    const first = world.last;
    const copies = (): string[] => readdirSync(world.folder).filter((name) => name.includes('.merged-'));
    await until('the log is merged', () => copies().length === 1, 60_000);
    const [copy] = copies();
    const next = await build({ base: first, loads: [await knows(200, 10)], mergeLater: true });
    expect(next).toMatchObject({ nodes: { Person: 900 }, relationships: { KNOWS: 110 } });
    expect(next.log!.bytes).toBeLessThan(logged.log!.bytes / 10);
    expect(inode(world.last)).toBe(statSync(join(world.folder, copy, 'graph.lbug')).ino);
    expect([next.sha256, next.sha256]).toEqual([hash(graphFile(world.last.directory)), copy.split('.merged-')[1]]);
    // What queries read has not changed.
    expect(names(first)).toEqual(['graph.lbug', 'graph.lbug.wal']);
    expect(await degree(first)).toBe(1);
    await world.engine.drop(first);
    expect(copies()).toEqual([]);
    expect(await degree(world.last)).toBe(11);
  });

  it('waits for the merge of a log that has grown long', async () => {
    const base = await world.ring(100);
    await build({ base, loads: [await persons(100, 2_500, 2_000)], mergeLater: true });
    const merged = await build({ base: world.last, loads: [await knows(5, 1)] });
    expect(merged).toMatchObject({ nodes: { Person: 2_600 }, relationships: { KNOWS: 101 } });
    expect(merged.log!.bytes).toBeLessThan(1024 * 1024);
    expect(await degree(world.last)).toBe(2);
  });

  it('keeps every value of every type as a copy of the rows does', async () => {
    const values: [string, string, string][] = [
      ['STRING', "'it''s é'", 'VARCHAR'],
      ['BOOLEAN', 'true', 'BOOLEAN'],
      ['INT8', '-7', 'TINYINT'],
      ['INT64', '9007199254740993', 'BIGINT'],
      ['INT128', "'170141183460469231731687303715884105727'", 'VARCHAR'],
      ['UINT64', '18446744073709551615', 'UBIGINT'],
      ['FLOAT', '1.5', 'FLOAT'],
      ['DOUBLE', "'NaN'", 'DOUBLE'],
      ['DATE', "'2020-02-29'", 'DATE'],
      ['TIMESTAMP', "'2020-01-01 10:00:00.123456'", 'TIMESTAMP'],
      ['TIMESTAMP_TZ', "'2020-01-01 10:00:00.123456+02'", 'TIMESTAMPTZ'],
      ['INTERVAL', "'1 year 2 days'", 'INTERVAL'],
      ['UUID', "'00000000-0000-0000-0000-000000000abc'", 'UUID'],
      ['BLOB', "'\\xAA\\x00B'", 'BLOB'],
      ['DECIMAL(18, 3)', "'12345.678'", 'VARCHAR'],
      ['DOUBLE[3]', '[1, 2, 3]', 'DOUBLE[3]'],
      ['STRING[]', "['a', NULL]", 'VARCHAR[]'],
      ['MAP(STRING, INT64)', "map(['a'], [1])", 'MAP(VARCHAR, BIGINT)'],
      [
        'STRUCT(x DATE[], y STRUCT(z UUID[]))',
        "{'x': ['2020-01-01'], 'y': {'z': [uuid()]}}",
        'STRUCT(x DATE[], y STRUCT(z UUID[]))',
      ],
    ];
    // Properties with names that the statements use themselves.
    const names = values.map((_, at) => ['k', 'x', 'f', 't', 'a', 'end_from'][at] ?? `p${at}`);
    const typed = values.map(([type], at) => `${names[at]} ${type}`).join(', ');
    const columns = (some: boolean): string =>
      values.map(([, value, type], at) => `CAST(${some ? value : 'NULL'} AS ${type}) AS "${names[at]}"`).join(', ');
    const rows = (ends: string): string => `SELECT ${ends}, ${columns(true)} FROM range(2) t(i)
      UNION ALL SELECT ${ends}, ${columns(false)} FROM range(2, 4) t(i)`;
    const nodes = [await world.parquet('typed.parquet', rows('i AS id'))];
    const edges = [await world.parquet('typed-edges.parquet', rows('i AS "from", (i + 1) % 4 AS "to"'))];
    const loads: TableLoad[] = [
      { table: 'A', kind: 'node', files: nodes, rows: 4 },
      { table: 'R', kind: 'relationship', from: 'A', to: 'A', files: edges, rows: 4 },
    ];
    const definitions = [
      `CREATE NODE TABLE A(id INT64 PRIMARY KEY, ${typed})`,
      `CREATE REL TABLE R(FROM A TO A, ${typed})`,
    ];
    const found = async (ref: GenerationRef): Promise<unknown> => [
      (await world.rows(ref, 'MATCH (x:A) RETURN x.* ORDER BY x.id')).rows,
      (await world.rows(ref, 'MATCH (a:A)-[r:R]->(b:A) RETURN a.id, b.id, r.* ORDER BY a.id')).rows,
    ];
    const signal = never();
    const copied = world.target();
    await world.engine.build({ target: copied, inputDirectory: world.input, definitions, loads }, { signal });
    const empty = world.target();
    await world.engine.build({ target: empty, definitions, loads: [] }, { signal });
    const added = await build({ base: empty, loads });
    expect(added.log).toBeDefined();
    const logged = world.last;
    expect(await found(logged)).toEqual(await found(copied));
    // And once more over the nodes that are there.
    await build({ base: logged, loads: [{ ...loads[0], upsert: true }] });
    expect(await found(world.last)).toEqual(await found(copied));
  });

  it('joins several pairs of labels in one relationship table', async () => {
    const empty = world.target();
    const definitions = [
      'CREATE NODE TABLE `A node`(id INT64 PRIMARY KEY)',
      'CREATE NODE TABLE B(id STRING PRIMARY KEY)',
      'CREATE REL TABLE TIES(FROM `A node` TO B, FROM `A node` TO `A node`)',
    ];
    await world.engine.build({ target: empty, definitions, loads: [] }, { signal: never() });
    const manifest = await build({
      base: empty,
      loads: [
        {
          table: 'A node',
          kind: 'node',
          files: [await world.parquet('la.parquet', 'SELECT i AS id FROM range(3) t(i)')],
          rows: 3,
        },
        {
          table: 'B',
          kind: 'node',
          files: [await world.parquet('lb.parquet', "SELECT 'b' || i AS id FROM range(4) t(i)")],
          rows: 4,
        },
        {
          ...{ table: 'TIES', kind: 'relationship', from: 'A node', to: 'B', rows: 2 },
          files: [await world.parquet('lab.parquet', "SELECT i AS f, 'b' || i AS t FROM range(2) t(i)")],
        },
        {
          ...{ table: 'TIES', kind: 'relationship', from: 'A node', to: 'A node', rows: 3 },
          files: [await world.parquet('laa.parquet', 'SELECT i AS f, i AS t FROM range(3) t(i)')],
        },
      ],
    });
    expect(manifest).toMatchObject({ nodes: { 'A node': 3, B: 4 }, relationships: { TIES: 5 } });
    expect(manifest.log).toBeDefined();
  });

  it('goes on as a host where somebody will ask soon, and is gone with its generation', async () => {
    const base = await world.ring(10);
    const processes = (): number[] => processTree(process.pid).slice(1);
    const before = processes();
    const spec = { base, loads: [await knows(1, 2)], keepOpen: true };
    await build(spec);
    const open = processes();
    expect(open.length).toBeGreaterThan(before.length);
    expect(world.engine.status(world.last)).toMatchObject({ state: 'awake', runningQueries: 0 });
    expect(await degree(world.last)).toBe(3);
    expect(processes()).toEqual(open);
    await world.engine.drop(world.last);
    expect(processes()).toEqual(before);
    await build({ ...spec, keepOpen: false });
    expect(world.engine.status(world.last)).toMatchObject({ state: 'asleep' });
    expect(processes()).toEqual(before);
  });

  it('leaves no process behind where the rows are too many for a log, nor where it is cancelled half-way', async () => {
    const base = await world.ring(10);
    const processes = (): number[] => processTree(process.pid).slice(1);
    const before = processes();
    const many = await persons(100, 20_001, 1);
    expect((await build({ base, loads: [many] })).log).toBeUndefined();
    expect(processes()).toEqual(before);
    const abort = new AbortController();
    const cancel = async (): Promise<TableLoad[]> => {
      abort.abort();
      return [await knows(1, 1)];
    };
    const target = world.target();
    const spec = { target, base, inputDirectory: world.input, definitions: [], loads: cancel };
    await expect(world.engine.build(spec, { signal: abort.signal })).rejects.toMatchObject({ code: 'build_cancelled' });
    expect(existsSync(target.directory)).toBe(false);
    expect(processes()).toEqual(before);
  });

  it('is lost when its process dies, and leaves the shared file as it was', async () => {
    const base = await world.ring(100);
    const before = hash(graphFile(base.directory));
    let asked = (): void => undefined;
    const loading = new Promise<void>((resolve) => (asked = resolve));
    const target = world.target();
    const built = world.engine.build(
      {
        target,
        base,
        inputDirectory: world.input,
        definitions: [],
        loads: async () => {
          const all = [await persons(100, 15_000, 10), await knows(0, 100)];
          asked();
          return all;
        },
      },
      { signal: never() },
    );
    const lost = expect(built).rejects.toMatchObject({ code: 'engine_lost', retryable: true });
    await loading;
    await until('it writes its log', () => existsSync(graphLog(target.directory)), 60_000);
    for (const pid of processTree(process.pid).slice(1)) process.kill(pid, 'SIGKILL');
    await lost;
    expect(existsSync(target.directory)).toBe(false);
    expect(hash(graphFile(base.directory))).toBe(before);
    expect(await degree(base)).toBe(1);
  });

  it('brings the files and their directories to the disk before it says that they are there', async () => {
    const base = await world.ring(10);
    const synced: string[] = [];
    const open = fs.promises.open;
    const spy = jest.spyOn(fs.promises, 'open').mockImplementation(async (path, flags, mode) => {
      const handle = await open(path, flags, mode);
      const sync = handle.sync.bind(handle);
      return Object.assign(handle, { sync: () => sync().then(() => void synced.push(String(path))) });
    });
    try {
      await build({ base, loads: [await knows(1, 1)] });
    } finally {
      spy.mockRestore();
    }
    const { directory } = world.last;
    expect(synced).toEqual([graphFile(directory), graphLog(directory), directory, join(directory, '..')]);
  });
});
