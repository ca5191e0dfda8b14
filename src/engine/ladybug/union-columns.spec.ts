import { EngineWorld } from '../../../test/support/engine-world';
import type { GenerationRef } from '../graph-engine';

/** With the real engine, which by itself leaves out rows that differ. */
describe('a union', () => {
  const world = new EngineWorld();
  let graph: GenerationRef;
  beforeAll(async () => {
    graph = await world.ring(10);
  }, 60_000);
  afterAll(() => world.end());

  const one = 'MATCH (p:Person) WHERE p.id = 1';
  const knows = 'MATCH (p:Person {id: 1})-[k:KNOWS]->(q)';
  const rows = async (statement: string): Promise<unknown[]> =>
    (await world.rows(graph, statement)).rows.map((row) => Object.values(row)).sort();

  it.each([
    [`${one} RETURN p.id AS a, p.name AS b UNION ${one} RETURN p.id AS a, 'other' AS b`, [1, 'other']],
    [`${one} RETURN p.name, p.id UNION ${one} RETURN 'other' AS \`p.name\`, p.id`, ['other', 1]],
    [
      `${one} RETURN p.\`id\` AS a, p.name AS b ORDER BY p.id UNION ${one} RETURN p.id AS a, 'other' AS b`,
      [1, 'other'],
    ],
    [`${one} WITH p.id AS a, p.name AS b RETURN a, b UNION ${one} RETURN p.id AS a, 'other' AS b`, [1, 'other']],
    [`${one} RETURN DISTINCT p.id AS a, p.name AS b UNION ${one} RETURN p.id AS a, 'other' AS b`, [1, 'other']],
  ])('holds rows of one key that differ: %s', async (statement, other) => {
    const first = other[0] === 1 ? [1, 'person 1'] : ['person 1', 1];
    expect(await rows(statement)).toEqual([first, other].sort());
  });

  it.each([
    ['nodes', `${one} RETURN p, p.name AS b UNION ${one} RETURN p, 'other' AS b`],
    ['nodes and names of their values', `${one} WITH p, p.name AS b RETURN p, b UNION ${one} RETURN p, 'other' AS b`],
    ['relationships', `${knows} RETURN k, k.since AS b UNION ${knows} RETURN k, date('2000-01-01') AS b`],
  ])('holds %s with values that differ', async (_what, statement) => {
    const values = await rows(statement);
    expect(values).toHaveLength(2);
    expect(new Set(values.map((row) => JSON.stringify(row))).size).toBe(2);
  });

  it('holds equal rows once, with the names and types that its columns have', async () => {
    const columns = 'p.id, p.name AS n, p.born, p.seen, p.score, count(*) AS c';
    const { rows: found, columns: typed } = await world.rows(
      graph,
      `${one} RETURN ${columns} UNION ${one} RETURN ${columns}`,
    );
    expect(found).toHaveLength(1);
    expect(typed).toEqual((await world.rows(graph, `${one} RETURN ${columns}`)).columns);
    expect(await rows(`RETURN 1 AS a UNION RETURN 1 AS a UNION RETURN 2 AS a`)).toEqual([[1], [2]]);
  });

  it('holds every row where it is one of all, and is refused where nobody says of which columns', async () => {
    expect(await rows(`${one} RETURN p.id AS a UNION ALL ${one} RETURN p.id AS a`)).toEqual([[1], [1]]);
    await expect(rows(`${one} RETURN p.* UNION ${one} RETURN p.*`)).rejects.toMatchObject({ code: 'query_invalid' });
  });
});
