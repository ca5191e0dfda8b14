import { projectionsOf } from './projection';

const expressions = (statement: string): string[][] | undefined =>
  projectionsOf(statement)?.map(({ items }) => items.map(({ expression }) => expression));

describe('the projections of a statement', () => {
  it.each([
    ['RETURN 1', [['1']]],
    ['MATCH (a) WITH a AS return_ RETURN a.x AS y, count(*) AS n ORDER BY y SKIP 1 LIMIT 2;', [['a.x', 'count(*)']]],
    ['MATCH (a) RETURN DISTINCT f(a, [1, 2], {b: "c, d"}) , a', [['f(a, [1, 2], {b: "c, d"})', 'a']]],
    ['RETURN cast(a AS STRING) AS x // , no item\n', [['cast(a AS STRING)']]],
    ['MATCH (a) WHERE a.limit > 1 RETURN a.limit, a.order AS skip ORDER BY skip', [['a.limit', 'a.order']]],
    ['RETURN 1 AS x UNION ALL RETURN 2 AS x', [['1'], ['2']]],
    ['MATCH (a) WHERE EXISTS { MATCH (a)-->(b) RETURN b } RETURN *', [['']]],
    ['MATCH (a) RETURN a.*, 1', [['a.', '1']]],
    ["RETURN 'RETURN 1, 2' AS `RETURN`", [["'RETURN 1, 2'"]]],
    ['return 1 as x', [['1']]],
    ['RETURN CASE WHEN true THEN 1 ELSE 2 END', [['CASE WHEN true THEN 1 ELSE 2 END']]],
  ])('%j', (statement, expected) => expect(expressions(statement)).toEqual(expected));

  it.each(['MATCH (a)', 'RETURN', 'RETURN 1,', ''])('are not found in %j', (statement) => {
    expect(projectionsOf(statement)).toBeUndefined();
  });
});
