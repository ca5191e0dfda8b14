import { EngineWorld } from '../../../test/support/engine-world';
import type { GenerationRef } from '../graph-engine';

/** What `statement-functions.ts` lets pass, and tells users to write instead of what it refuses, over many rows. */
describe('list functions of many rows', () => {
  const IDS = Array.from({ length: 5_000 }, (_, at) => at + 1);
  const listOf = (id: number): (number | null)[] =>
    id % 13 === 0 ? [1, null, 3] : Array.from({ length: id % 5 }, (_, at) => at + 1);
  const textsOf = (id: number): string[] => listOf(id).map((item) => `text ${item} of ${id}`);
  let world: EngineWorld;
  let graph: GenerationRef;

  beforeAll(async () => {
    world = new EngineWorld();
    graph = await world.graphOf([
      'CREATE NODE TABLE P(id INT64 PRIMARY KEY, list INT64[], texts STRING[])',
      `UNWIND range(1, ${IDS.length}) AS i CREATE (:P {id: i, list: CASE WHEN i % 13 = 0 THEN [1, NULL, 3] ELSE range(1, i % 5) END})`,
      `MATCH (p:P) SET p.texts = list_transform(p.list, x -> concat('text ', cast(x AS STRING), ' of ', cast(p.id AS STRING)))`,
    ]);
  });
  afterAll(() => world.end());

  const passing = (id: number): number[] => listOf(id).filter((item) => item !== null && item > 2) as number[];
  const doubled = (item: number | null): number | null => (item === null ? null : item * 2);

  it.each<[string, (id: number) => unknown]>([
    ['list_transform(p.list, x -> x * 2)', (id) => listOf(id).map(doubled)],
    ['list_transform(p.list, x -> x + p.id)', (id) => listOf(id).map((item) => (item === null ? null : item + id))],
    ['list_transform(p.list, x -> x IN [2, 4])', (id) => listOf(id).map((item) => item && [2, 4].includes(item))],
    [
      "list_transform(p.texts, x -> upper(x) CONTAINS '3 OF')",
      (id) => textsOf(id).map((text) => text.includes('3 of')),
    ],
    ['list_contains(list_distinct(list_transform(p.list, x -> x > 2)), true)', (id) => passing(id).length > 0],
    ['NOT list_contains(list_distinct(list_transform(p.list, x -> x > 2)), true)', (id) => passing(id).length === 0],
    ['NOT list_contains(list_distinct(list_transform(p.list, x -> x < 3)), false)', (id) => passing(id).length === 0],
    ['0 IN list_distinct(p.list)', () => false],
    ['list_concat(p.list, [p.id])', (id) => [...listOf(id), id]],
    ['list_concat([p.id], p.list)', (id) => [id, ...listOf(id)]],
  ])('%s', async (expression, expected) => {
    const { rows } = await world.rows(graph, `MATCH (p:P) RETURN p.id AS id, ${expression} AS value`);
    const wrong = rows.filter(({ id, value }) => JSON.stringify(value) !== JSON.stringify(expected(id as number)));
    expect({ rows: rows.length, wrong: wrong.slice(0, 3) }).toEqual({ rows: IDS.length, wrong: [] });
  });

  it('UNWIND and collect() in the place of list_filter', async () => {
    const { rows } = await world.rows(
      graph,
      'MATCH (p:P) UNWIND p.list AS x WITH p, x WHERE x > 2 RETURN p.id AS id, collect(x) AS value ORDER BY id',
    );
    const left = IDS.map((id) => ({ id, value: passing(id) })).filter(({ value }) => value.length > 0);
    expect(rows).toEqual(left);
  });
});
