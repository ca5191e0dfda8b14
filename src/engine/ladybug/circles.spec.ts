import { EngineWorld } from '../../../test/support/engine-world';
import type { GenerationRef } from '../graph-engine';

/** LadybugDB 0.19.1 loses rows of patterns with circles (`plan-guard.ts`), so it is asked in other words. */
describe('patterns with circles', () => {
  const NODES = 400;
  /** Each node has relationships to those that are so much further on, twice to the first of them. */
  const STEPS = [1, 2, 3, 5, 8, 13, 21, 34];
  let world: EngineWorld;
  let graph: GenerationRef;

  beforeAll(async () => {
    world = new EngineWorld();
    graph = await world.graphOf([
      'CREATE NODE TABLE A(id INT64 PRIMARY KEY, at TIMESTAMP)',
      'CREATE REL TABLE R(FROM A TO A, step INT64)',
      `UNWIND range(0, ${NODES - 1}) AS i CREATE (:A {id: i, at: timestamp('2024-01-01 00:00:00.000001')})`,
      ...[STEPS[0], ...STEPS].map(
        (step) => `MATCH (a:A), (b:A) WHERE b.id = (a.id + ${step}) % ${NODES} CREATE (a)-[:R {step: ${step}}]->(b)`,
      ),
    ]);
  });
  afterAll(() => world.end());

  const out = (id: number): number[] => [STEPS[0], ...STEPS].map((step) => (id + step) % NODES);
  const ids = Array.from({ length: NODES }, (_, id) => id);
  /** a to b, a to c, b to c. */
  const triangles = ids.flatMap((a) =>
    out(a).flatMap((b) =>
      out(a).flatMap((c) =>
        out(b)
          .filter((end) => end === c)
          .map(() => `${a} ${b} ${c}`),
      ),
    ),
  );
  const found = async (statement: string): Promise<string[]> =>
    (await world.rows(graph, statement)).rows
      .map(({ a, b, c }) => `${a as number} ${b as number} ${c as number}`)
      .sort();

  it.each([
    'MATCH (a:A)-[:R]->(b:A), (a)-[:R]->(c:A), (b)-[:R]->(c) RETURN a.id AS a, b.id AS b, c.id AS c',
    'MATCH (c:A)<-[:R]-(a:A)-[:R]->(b:A)-[:R]->(c) RETURN a.id AS a, b.id AS b, c.id AS c',
    'MATCH (a:A)-[:R]->(b:A) MATCH (a)-[:R]->(c:A) MATCH (b)-[:R]->(c) RETURN a.id AS a, b.id AS b, c.id AS c',
    // With exact values, which are further columns of the statement.
    'MATCH (a:A)-[:R]->(b:A), (a)-[:R]->(c:A), (b)-[:R]->(c) RETURN a.id AS a, b.id AS b, c.id AS c, a.at AS at, c AS node',
  ])('are all found by %s', async (statement) => {
    expect(triangles.length).toBeGreaterThan(2_000);
    expect(await found(statement)).toEqual([...triangles].sort());
  });

  it('are found under conditions, in groups and in subqueries', async () => {
    const { rows } = await world.rows(
      graph,
      'MATCH (a:A)-[:R]->(b:A), (a)-[:R]->(c:A), (b)-[:R]->(c) WHERE a.id = 7 OR a.id = 9 RETURN a.id AS a, count(*) AS n ORDER BY a',
    );
    const of = (id: number): number => triangles.filter((one) => one.startsWith(`${id} `)).length;
    expect(rows).toEqual([7, 9].map((id) => ({ a: id, n: of(id) })));
    const some = await world.rows(
      graph,
      'MATCH (a:A) WHERE EXISTS {MATCH (a)-[:R]->(b:A), (a)-[:R]->(c:A), (b)-[:R]->(c) WHERE c.id < 5} RETURN count(*) AS n',
    );
    const starts = triangles.map((one) => one.split(' ').map(Number)).filter(([, , c]) => c < 5);
    expect(some.rows).toEqual([{ n: new Set(starts.map(([a]) => a)).size }]);
  });

  it('are refused with what to write where the engine cannot be asked otherwise', async () => {
    const circle = 'MATCH (a:A)-[:R]->(b:A), (a)-[:R]->(c:A), (b)-[:R]->(c)';
    await expect(world.rows(graph, `${circle} RETURN * LIMIT 1`)).rejects.toMatchObject({
      code: 'query_invalid',
      message: expect.stringContaining('would lose rows') as string,
    });
    const after = 'MATCH (a:A)-[:R]->(b:A), (a)-[:R]->(c:A) WITH a, b, c MATCH (b)-[:R]->(c)';
    expect(await found(`${after} RETURN a.id AS a, b.id AS b, c.id AS c`)).toEqual([...triangles].sort());
  });
});
