import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineWorld, until } from '../../../test/support/engine-world';
import type { BuildProgress, BuildSpec, GenerationRef } from '../graph-engine';
import { graphFile, graphLog } from './graph-file';
import { processTree } from './process-memory';

describe('building a generation', () => {
  let world: EngineWorld;
  beforeAll(() => {
    world = new EngineWorld();
  });
  afterAll(() => world.end());

  const never = (): AbortSignal => new AbortController().signal;

  it('loads, counts and hashes what it made', async () => {
    const spec = await world.ringSpec(1_000);
    const seen: BuildProgress[] = [];
    const manifest = await world.engine.build(spec, { signal: never(), onProgress: (progress) => seen.push(progress) });
    expect(readdirSync(spec.target.directory)).toEqual(['graph.lbug']);
    const file = readFileSync(join(spec.target.directory, 'graph.lbug'));
    expect(manifest).toEqual({
      engine: 'ladybug',
      engineVersion: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      storageVersion: expect.any(Number) as number,
      bytes: file.length,
      sha256: createHash('sha256').update(file).digest('hex'),
      nodes: { Person: 1_000 },
      relationships: { KNOWS: 1_000 },
    });
    expect(seen.at(-1)).toEqual({ table: 'KNOWS', rows: 2_000, totalRows: 2_000 });
    expect(seen.map(({ rows }) => rows)).toEqual(seen.map(({ rows }) => rows).sort((a, b) => a - b));
  });

  it('joins several pairs of labels in one relationship table, from several files', async () => {
    const a = await world.parquet('a.parquet', 'SELECT i AS id FROM range(3) t(i)');
    const b = await world.parquet('b.parquet', "SELECT 'b' || i AS id FROM range(4) t(i)");
    const ab = await world.parquet('ab.parquet', "SELECT i AS f, 'b' || i AS t FROM range(2) t(i)");
    const ab2 = await world.parquet('ab2.parquet', "SELECT 2::BIGINT AS f, 'b3' AS t");
    const aa = await world.parquet('aa.parquet', 'SELECT i AS f, i AS t FROM range(3) t(i)');
    const manifest = await world.engine.build(
      {
        target: world.target(),
        inputDirectory: world.input,
        definitions: [
          'CREATE NODE TABLE `A node`(id INT64 PRIMARY KEY)',
          'CREATE NODE TABLE B(id STRING PRIMARY KEY)',
          'CREATE REL TABLE TIES(FROM `A node` TO B, FROM `A node` TO `A node`)',
        ],
        loads: [
          { table: 'A node', kind: 'node', files: [a], rows: 3 },
          { table: 'B', kind: 'node', files: [b], rows: 4 },
          { table: 'TIES', kind: 'relationship', from: 'A node', to: 'B', files: [ab, ab2], rows: 3 },
          { table: 'TIES', kind: 'relationship', from: 'A node', to: 'A node', files: [aa], rows: 3 },
        ],
      },
      { signal: never() },
    );
    expect(manifest).toMatchObject({ nodes: { 'A node': 3, B: 4 }, relationships: { TIES: 6 } });
  });

  it.each([
    ['a key twice', 'SELECT 1::BIGINT AS id UNION ALL SELECT 1', /duplicated primary key value 1/],
    ['no key', 'SELECT NULL::BIGINT AS id', /NULL/],
    ['other columns', 'SELECT 1::BIGINT AS id, 2 AS more', /columns/],
  ])('fails on %s and leaves nothing behind', async (name, select, message) => {
    const spec: BuildSpec = {
      target: world.target(),
      inputDirectory: world.input,
      definitions: ['CREATE NODE TABLE A(id INT64 PRIMARY KEY)'],
      loads: [{ table: 'A', kind: 'node', files: [await world.parquet(`${name}.parquet`, select)], rows: 1 }],
    };
    const failed = world.engine.build(spec, { signal: never() });
    await expect(failed).rejects.toMatchObject({ code: 'load_failed', kind: 'invalid' });
    await expect(failed).rejects.toThrow(message);
    await failed.catch((error: Error) => expect(error.message).not.toContain(world.folder));
    expect(existsSync(spec.target.directory)).toBe(false);
  });

  it('does not touch a directory that holds something', async () => {
    const target = world.target();
    mkdirSync(target.directory);
    writeFileSync(join(target.directory, 'precious'), 'x');
    await expect(world.engine.build({ target, definitions: [], loads: [] }, { signal: never() })).rejects.toMatchObject(
      {
        code: 'load_failed',
      },
    );
    expect(readdirSync(target.directory)).toEqual(['precious']);
  });

  it('stops in the middle when cancelled, with no process and no directory left', async () => {
    const spec = await world.ringSpec(3_000_000);
    const controller = new AbortController();
    let loaded = 0;
    const build = world.engine.build(spec, {
      signal: controller.signal,
      onProgress: ({ rows }) => {
        loaded = rows;
        controller.abort();
      },
    });
    await expect(build).rejects.toMatchObject({ code: 'build_cancelled' });
    // Had it not stopped, its end would have been told.
    expect(loaded).toBeLessThan(6_000_000);
    expect(existsSync(spec.target.directory)).toBe(false);
    expect(processTree(process.pid).slice(1)).toEqual([]);
  }, 60_000);

  it('is lost, to be tried again, when its process dies', async () => {
    const spec = await world.ringSpec(3_000_000);
    const build = world.engine.build(spec, { signal: never() });
    const lost = expect(build).rejects.toMatchObject({ code: 'engine_lost', retryable: true });
    await until('the loader writes', () => existsSync(join(spec.target.directory, 'graph.lbug')));
    for (const pid of processTree(process.pid).slice(1)) process.kill(pid, 'SIGKILL');
    await lost;
    expect(existsSync(spec.target.directory)).toBe(false);
  });

  describe('from another generation', () => {
    const grown = async (base: GenerationRef, definitions: string[] = []): Promise<BuildSpec> => ({
      target: world.target(),
      base,
      inputDirectory: world.input,
      definitions,
      loads: [
        {
          table: 'KNOWS',
          kind: 'relationship',
          from: 'Person',
          to: 'Person',
          files: [await world.parquet('more.parquet', "SELECT 0 AS a, 5 AS b, DATE '2022-01-01' AS since")],
          rows: 1,
        },
      ],
    });

    it('holds what the base holds and what was added, while the base stays as it was for its readers', async () => {
      const base = await world.ring(100);
      const before = readFileSync(graphFile(base.directory));
      const degree = 'MATCH (:Person {id: 0})-[k:KNOWS]->() RETURN count(k) AS n';
      expect((await world.rows(base, degree)).rows).toEqual([{ n: 1 }]);
      const spec = await grown(base, [
        'ALTER TABLE Person ADD nick STRING',
        "MATCH (p:Person {id: 7}) SET p.nick = 'x'",
      ]);
      const manifest = await world.engine.build(spec, { signal: never() });
      expect(manifest).toMatchObject({ nodes: { Person: 100 }, relationships: { KNOWS: 101 } });
      expect((await world.rows(spec.target, degree)).rows).toEqual([{ n: 2 }]);
      const nicks = await world.rows(spec.target, 'MATCH (p:Person) WHERE p.nick IS NOT NULL RETURN p.id AS id');
      expect(nicks.rows).toEqual([{ id: 7 }]);
      expect((await world.rows(base, degree)).rows).toEqual([{ n: 1 }]);
      expect(readFileSync(graphFile(base.directory)).equals(before)).toBe(true);
      expect(readdirSync(base.directory)).toEqual(readdirSync(spec.target.directory));
    });

    it('writes keys, then replaces the nodes that it has and adds the others, whatever the type of their values', async () => {
      const base = await world.ring(100);
      const file = join(world.input, 'keys.parquet');
      const rows = await world.parquet(
        'upsert.parquet',
        `SELECT CAST(i AS BIGINT) AS "ID", 'new' AS name, NULL::DATE AS born, TIMESTAMP '2024-05-06 07:08:09' AS seen,
         1.5::DOUBLE AS score FROM range(98, 102) t(i)`,
      );
      let keys = 0;
      const manifest = await world.engine.build(
        {
          target: world.target(),
          base,
          inputDirectory: world.input,
          keys: [{ table: 'Person', key: 'id', file }],
          definitions: [],
          loads: async () => {
            keys = await world.count(file);
            return [{ table: 'Person', kind: 'node', files: [rows], rows: 4, upsert: true }];
          },
        },
        { signal: never() },
      );
      expect(keys).toBe(100);
      expect(manifest).toMatchObject({ nodes: { Person: 102 }, relationships: { KNOWS: 100 } });
      const found = await world.rows(world.last, 'MATCH (p:Person) WHERE p.id > 96 RETURN p.* ORDER BY p.id');
      expect(found.rows.slice(0, 2)).toEqual([
        expect.objectContaining({ 'p.id': 97, 'p.name': 'person 97' }),
        { 'p.id': 98, 'p.name': 'new', 'p.born': null, 'p.seen': '2024-05-06T07:08:09Z', 'p.score': 1.5 },
      ]);
      expect(found.rows).toHaveLength(5);
    });

    it('leaves nothing behind where it fails, and the base as it was', async () => {
      const base = await world.ring(100);
      const before = readFileSync(graphFile(base.directory));
      const spec = await grown(base, ['CREATE NODE TABLE Person(id INT64 PRIMARY KEY)']);
      await expect(world.engine.build(spec, { signal: never() })).rejects.toMatchObject({ code: 'load_failed' });
      expect(existsSync(spec.target.directory)).toBe(false);
      expect(readFileSync(graphFile(base.directory)).equals(before)).toBe(true);
    });

    it.each([
      ['is gone', (base: GenerationRef) => rmSync(base.directory, { recursive: true })],
      ['has a broken log', (base: GenerationRef) => writeFileSync(graphLog(base.directory), 'x')],
      ['is not whole', (base: GenerationRef) => writeFileSync(`${graphFile(base.directory)}.shadow`, 'x')],
    ])('refuses a base that %s', async (_, harm) => {
      const base = await world.ring(10);
      harm(base);
      const spec = await grown(base);
      await expect(world.engine.build(spec, { signal: never() })).rejects.toMatchObject({ code: 'graph_unreadable' });
      expect(existsSync(spec.target.directory)).toBe(false);
    });

    it('stops the copy when it is cancelled', async () => {
      const spec = await grown(await world.ring(10));
      const reason = new AbortController();
      const build = world.engine.build(spec, { signal: reason.signal });
      reason.abort();
      await expect(build).rejects.toMatchObject({ code: 'build_cancelled' });
      expect(existsSync(spec.target.directory)).toBe(false);
    });
  });
});
