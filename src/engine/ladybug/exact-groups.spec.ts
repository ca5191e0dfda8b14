import { EngineWorld } from '../../../test/support/engine-world';
import type { GenerationRef } from '../graph-engine';

/**
 * Exact values are further columns of the statement (`exact-statement.ts`). In statements that group they must make no
 * group of their own, whatever the engine has left over inside of structs that are NULL.
 */
describe('statements that group, with exact values', () => {
  const A = [1, 2, 3, 4];
  const B = [1, 2, 3];
  let world: EngineWorld;
  let graph: GenerationRef;

  beforeAll(async () => {
    world = new EngineWorld();
    const as = A.map((id) =>
      id % 2
        ? `CREATE (:A {id: ${id}, at: timestamp('2024-01-01 00:00:00.00000${id}'), big: 9007199254740993, s: 'x', flat: {a: 9007199254740993, b: 'q'},
             deep: {a: ${id}, b: {c: 9007199254740993, d: 'z'}}, many: [{a: 9007199254740993, b: date('2024-01-02')}, NULL]})`
        : `CREATE (:A {id: ${id}, at: timestamp('2024-01-01 00:00:00.00000${id}'), s: 'y', deep: {a: ${id}, b: NULL}})`,
    );
    graph = await world.graphOf([
      `CREATE NODE TABLE A(id INT64 PRIMARY KEY, at TIMESTAMP, big INT64, s STRING, flat STRUCT(a INT64, b STRING),
             deep STRUCT(a INT64, b STRUCT(c INT64, d STRING)), many STRUCT(a INT64, b DATE)[])`,
      'CREATE NODE TABLE B(id INT64 PRIMARY KEY, price DECIMAL(20,3))',
      'CREATE REL TABLE R(FROM A TO A, FROM A TO B, w INT64)',
      ...as,
      ...B.map((id) => `CREATE (:B {id: ${id}, price: cast('12345678901234567.890' AS DECIMAL(20,3))})`),
      // Each node is met several times, after nodes of the other type and of the other kind.
      'MATCH (a:A), (b:A) CREATE (a)-[:R {w: 9007199254740993}]->(b)',
      'MATCH (a:A), (b:B) CREATE (a)-[:R]->(b)',
    ]);
  });
  afterAll(() => world.end());

  const rowsOf = async (statement: string): Promise<Record<string, unknown>[]> =>
    (await world.rows(graph, statement)).rows;

  // Structs themselves are left out: the engine groups them by what is left over, whoever asks.
  it.each(['m', '{x: m}', '[m]', 'm.big', 'm.price'])('%s is one group for each node', async (item) => {
    const items = `label(m) AS l, m.id AS id, ${item} AS item, cast(9007199254740993 AS INT64) AS big`;
    const expected = [...A.map((id) => `A${id}`), ...B.map((id) => `B${id}`)];
    for (const statement of [`RETURN DISTINCT ${items}`, `RETURN ${items}, count(*) AS n`]) {
      const rows = await rowsOf(`MATCH (:A)-[:R]->(m) ${statement}`);
      const big = rows.every((row) => row.big === '9007199254740993');
      expect({ big, seen: rows.map(({ l, id }) => `${String(l)}${String(id)}`).sort() }).toEqual({
        big: true,
        seen: expected,
      });
    }
  });

  it('count what is distinct in each group, and the engine lives on', async () => {
    const rows = await rowsOf('MATCH p = (n:A)-[r:R]-(m:A) RETURN count(DISTINCT m.s) AS n, n AS node, {x: n} AS x');
    expect(rows.map(({ n }) => n)).toEqual([2, 2, 2, 2]);
  });

  it.each<[item: string, at: number[]]>([
    ['max(n.at) AS at', [3, 4]],
    ['max(n.at)', [3, 4]],
    ['{x: max(n.at)} AS at', [3, 4]],
    ['sum(n.big) AS big, min(n.at) AS at', [1, 2]],
    ['collect(n.at)[1] AS at, n.s AS again', [1, 2]],
  ])('give %s of groups beside what is counted once', async (item, at) => {
    const rows = await rowsOf(`MATCH (n:A)-[r:R]->(m) RETURN n.s AS s, ${item}, count(DISTINCT m.id) AS n ORDER BY s`);
    expect(rows.map(({ s, n }) => [s, n])).toEqual([
      ['x', 4],
      ['y', 4],
    ]);
    rows.forEach((row, group) => expect(JSON.stringify(row)).toContain(`"2024-01-01T00:00:00.00000${at[group]}Z"`));
    if (item.startsWith('sum')) expect(rows[0].big).toBe('126100789566373902');
  });

  it('give the values themselves, and null for what is not there', async () => {
    const rows = await rowsOf(
      'MATCH (:A)-[:R]->(m) WHERE m.id < 3 RETURN m.id AS id, label(m) AS l, m, count(*) AS n ORDER BY l, id',
    );
    const big = '9007199254740993';
    expect(rows).toMatchObject([
      {
        id: 1,
        l: 'A',
        n: 4,
        m: {
          big,
          flat: { a: big, b: 'q' },
          deep: { a: 1, b: { c: big, d: 'z' } },
          many: [{ a: big, b: '2024-01-02' }, null],
        },
      },
      { id: 2, l: 'A', n: 4, m: { big: null, flat: null, deep: { a: 2, b: null }, many: null } },
      { id: 1, l: 'B', n: 4, m: { price: '12345678901234567.890' } },
      { id: 2, l: 'B', n: 4, m: { price: '12345678901234567.890' } },
    ]);
  });

  /** More than the 2,048 values that the engine works on at once. */
  it.each([
    ['collected', 'WITH a, b, collect(m) AS list RETURN list'],
    ['in paths', 'RETURN [b, m, a, m, b] AS list'],
    ['collected where they are returned', 'RETURN a.id, b.id, collect(m) AS list'],
  ])('give many nodes %s their own values', async (_, ending) => {
    const rows = await rowsOf(
      `MATCH (a:A), (b:A), (m:A), (x:A), (y:A), (z:A) WHERE m.id <= a.id AND x.id <> b.id ${ending}`,
    );
    const lists = rows.map(({ list }) => list as Record<string, unknown>[]);
    const nodes = lists.flat();
    expect(nodes.length).toBeGreaterThanOrEqual(1_024);
    const wrong = nodes.filter(({ id, at }) => at !== `2024-01-01T00:00:00.00000${String(id)}Z`);
    expect(wrong).toEqual([]);
  });

  it('give many paths their own values', async () => {
    const rows = await rowsOf('MATCH p = (:A)-[:R*1..4]->(:B) RETURN p LIMIT 3000');
    const prices = rows.map(({ p }) => (p as { _nodes: Record<string, unknown>[] })._nodes.at(-1)?.price);
    expect(new Set(prices)).toEqual(new Set(['12345678901234567.890']));
    const inner = rows.flatMap(({ p }) => (p as { _nodes: Record<string, unknown>[] })._nodes.slice(0, -1));
    expect(inner.filter(({ id, at }) => at !== `2024-01-01T00:00:00.00000${String(id)}Z`)).toEqual([]);
  });
});
