import { EngineWorld, until } from '../../../test/support/engine-world';
import { Confinement } from '../confinement';
import { EngineConfig } from '../engine.config';
import type { GenerationRef } from '../graph-engine';
import { HostFactory } from './host-factory';
import { CREDIT_BYTES } from './messages';

describe('queries of a graph', () => {
  let world: EngineWorld;
  let ring: GenerationRef;

  beforeAll(async () => {
    world = new EngineWorld();
    ring = await world.ring(200_000);
  });
  afterAll(() => world.end());

  it('take parameters and answer with types, dates as ISO 8601', async () => {
    const { rows, columns, summary } = await world.rows(
      ring,
      'MATCH (p:Person {id: $id}) RETURN p.name AS name, p.born AS born, p.seen AS seen, p.score AS score',
      { id: 7 },
    );
    expect(rows).toEqual([{ name: 'person 7', born: '2000-01-08', seen: '2020-01-01T10:00:00.500Z', score: 3.5 }]);
    expect(columns).toEqual([
      { name: 'name', type: 'STRING' },
      { name: 'born', type: 'DATE' },
      { name: 'seen', type: 'TIMESTAMP' },
      { name: 'score', type: 'DOUBLE' },
    ]);
    expect(summary).toMatchObject({ rows: 1, truncated: false });
  });

  it('compare with dates given as text or as Date', async () => {
    const statement = 'MATCH (p:Person) WHERE p.born = date($day) RETURN count(*) AS people';
    expect((await world.rows(ring, statement, { day: '2000-01-08' })).rows).toEqual([{ people: 2_000 }]);
    const seen = 'MATCH (p:Person) WHERE p.seen > $instant RETURN count(*) AS people';
    expect((await world.rows(ring, seen, { instant: new Date('2020-01-01T10:00:00Z') })).rows).toEqual([
      { people: 200_000 },
    ]);
  });

  it('return nodes, relationships and paths with the dates of their tables', async () => {
    const { rows } = await world.rows(ring, 'MATCH path = (a:Person {id: 1})-[k:KNOWS]->(b:Person) RETURN a, k, path');
    expect(rows[0]).toMatchObject({
      a: { id: 1, born: '2000-01-02', _label: 'Person' },
      k: { since: '2021-02-03', _label: 'KNOWS' },
      path: { _nodes: [{ id: 1, born: '2000-01-02' }, { id: 2 }], _rels: [{ since: '2021-02-03' }] },
    });
  });

  it('join batches of format json to the inside of one array, and stop at maxRows', async () => {
    const stream = await world.engine.query(ring, {
      statement: 'MATCH (p:Person) RETURN p.id AS id',
      parameters: {},
      timeoutMs: 10_000,
      format: 'json',
      maxRows: 5_001,
    });
    let inside = '';
    let batches = 0;
    for await (const batch of stream.batches) {
      inside += batch.bytes.toString();
      batches += 1;
    }
    expect(JSON.parse(`[${inside}]`)).toHaveLength(5_001);
    expect(batches).toBeGreaterThan(1);
    expect(await stream.summary).toMatchObject({ rows: 5_001, truncated: true });
  });

  it('answer the same however quick they were before', async () => {
    const statement = 'UNWIND range(1, $n) AS a UNWIND range(1, 1000) AS b RETURN count(*) AS pairs';
    for (const n of [1, 2, 3, 20_000, 4, 20_000, 5]) {
      expect((await world.rows(ring, statement, { n })).rows).toEqual([{ pairs: n * 1_000 }]);
    }
  });

  it('come in batches of at most batchRows rows', async () => {
    const stream = await world.engine.query(ring, {
      statement: 'UNWIND range(1, 5) AS n RETURN n',
      parameters: {},
      timeoutMs: 10_000,
      format: 'json',
      batchRows: 2,
    });
    const sizes: number[] = [];
    for await (const batch of stream.batches) sizes.push(batch.rows);
    expect(sizes).toEqual([2, 2, 1]);
  });

  it('wait for a slow reader with little in flight, while others of the same host are served', async () => {
    const host = await new HostFactory(new EngineConfig(), new Confinement('none')).reader(ring.directory);
    try {
      const request = { parameters: {}, timeoutMs: 10_000, format: 'ndjson' } as const;
      const slow = host.query({ ...request, statement: 'MATCH (p:Person) RETURN p.id AS id, p.name AS name' });
      const { batches, summary } = await slow.ready;
      // Rows of all 200,000 persons are about 7 MB; the host must stop long before.
      await until('credit is used up', () => slow.bufferedBytes >= CREDIT_BYTES);
      for (let i = 0; i < 20; i += 1) {
        const other = host.query({ ...request, statement: 'RETURN 1 AS x' });
        await expect((await other.ready).summary).resolves.toMatchObject({ rows: 1 });
      }
      expect(slow.bufferedBytes).toBeLessThan(1024 * 1024);
      let rows = 0;
      for await (const batch of batches) rows += batch.rows;
      expect(rows).toBe(200_000);
      expect((await summary).rows).toBe(200_000);
    } finally {
      await host.close();
    }
  });

  it('give their place free when the reader leaves the loop', async () => {
    const stream = await world.engine.query(ring, {
      statement: 'MATCH (p:Person) RETURN p',
      parameters: {},
      timeoutMs: 10_000,
      format: 'ndjson',
    });
    for await (const batch of stream.batches) {
      expect(batch.rows).toBeGreaterThan(0);
      break;
    }
    await expect(stream.summary).rejects.toMatchObject({ code: 'query_cancelled' });
    const { rows } = await world.rows(ring, 'RETURN 1 AS x');
    expect(rows).toEqual([{ x: 1 }]);
    expect(world.engine.status(ring)).toMatchObject({ state: 'awake', runningQueries: 0 });
  });

  it('run many at once on few connections', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, id) =>
        world.rows(ring, 'MATCH (p:Person {id: $id})-[:KNOWS]->(q) RETURN q.id AS id', { id }),
      ),
    );
    expect(answers.map(({ rows }) => rows[0].id)).toEqual(Array.from({ length: 50 }, (_, id) => id + 1));
  });

  it.each([
    ["LOAD FROM '/etc/passwd' (header=false) RETURN *", 'statement_refused', 'forbidden'],
    ['CREATE (:Person {id: -1})', 'write_refused', 'forbidden'],
    ['MATCH (p:Person {id: 1}) DETACH DELETE p', 'write_refused', 'forbidden'],
    ['MATCH (p:Person) SET p.name = "x"', 'write_refused', 'forbidden'],
    ['DROP TABLE Person', 'write_refused', 'forbidden'],
    ['MATCH (p:Person RETURN p', 'query_invalid', 'bad_request'],
    ['MATCH (p:Nobody) RETURN p', 'query_invalid', 'bad_request'],
    ['MATCH (p:Person) WHERE p.id = $missing RETURN p', 'query_invalid', 'bad_request'],
    ['RETURN 1 AS a; RETURN 2 AS b', 'query_invalid', 'bad_request'],
    ['', 'query_invalid', 'bad_request'],
  ])('refuse %j', async (statement, code, kind) => {
    const refused = world.rows(ring, statement);
    await expect(refused).rejects.toMatchObject({ code, kind });
    await refused.catch((error: Error) => expect(error.message).not.toContain(world.folder));
    expect((await world.rows(ring, 'MATCH (p:Person) RETURN count(*) AS c')).rows).toEqual([{ c: 200_000 }]);
  });

  it('explain themselves without running', async () => {
    const { rows } = await world.rows(ring, 'EXPLAIN MATCH (p:Person) RETURN p.id');
    expect(JSON.stringify(rows)).toContain('SCAN_NODE_TABLE');
  });

  it('find the busiest nodes, where the engine itself would crash', async () => {
    const { rows } = await world.rows(
      ring,
      'MATCH (a:Person)-[:KNOWS]->(b:Person) RETURN a.name AS name, count(*) AS c ORDER BY c DESC LIMIT 2',
    );
    expect(rows).toHaveLength(2);
    expect(rows[0].c).toBe(1);
  });

  it('look a key up through its index, by number and by bigint', async () => {
    for (const id of [5, 5n]) {
      const { rows } = await world.rows(ring, 'EXPLAIN MATCH (p:Person {id: $id}) RETURN p.name AS name', { id });
      expect(JSON.stringify(rows)).toContain('PRIMARY_KEY_SCAN');
    }
  });
});
