import { acyclicStatement } from './acyclic-statement';

describe('a statement without circles', () => {
  it.each([
    [
      'MATCH (a:A)-[:R]->(b:A), (a)-[:R]->(c:A), (b)-[:R]->(c) RETURN c.id',
      'MATCH (a:A)-[:R]->(b:A), (a)-[:R]->(c:A), (b)-[:R]->(gs_again_1:A) WHERE id(c) = id(gs_again_1) RETURN c.id',
    ],
    [
      "MATCH p = (a)-[:R]->(b)<--(a) WHERE a.x = 1 OR a.name STARTS WITH 'x' // why\nRETURN count(*)",
      "MATCH p = (a)-[:R]->(b)<--(gs_again_1) WHERE id(a) = id(gs_again_1) AND ( a.x = 1 OR a.name STARTS WITH 'x'\n) // why\nRETURN count(*)",
    ],
    [
      'MATCH (a)-->(b) MATCH (a)-->(`c d`:C) MATCH (b)-->(`c d` {x: 1}) WITH a MATCH (a)-->(b) RETURN a',
      'MATCH (a)-->(b) MATCH (a)-->(`c d`:C) MATCH (b)-->(gs_again_1:C {x: 1}) WHERE id(`c d`) = id(gs_again_1) WITH a MATCH (a)-->(b) RETURN a',
    ],
    [
      'MATCH (a) WHERE EXISTS {MATCH (a)-->(b)-->(c)-->(a) WHERE b.x > c.x} AND a.y = 2 RETURN a',
      'MATCH (a) WHERE EXISTS {MATCH (a)-->(b)-->(c)-->(gs_again_1) WHERE id(a) = id(gs_again_1) AND ( b.x > c.x\n)} AND a.y = 2 RETURN a',
    ],
    [
      'MATCH (a)-[:R* 1..3 (r, n | WHERE r.w > 1)]->(b), (b)-->(c:C|D)-[e]-(a), (a)-->(c) RETURN a',
      'MATCH (a)-[:R* 1..3 (r, n | WHERE r.w > 1)]->(b), (b)-->(c:C|D)-[e]-(gs_again_1), (a)-->(gs_again_2:C|D) WHERE id(a) = id(gs_again_1) AND id(c) = id(gs_again_2) RETURN a',
    ],
    [
      'MATCH (a)-->(b) OPTIONAL MATCH (b)-->(c), (c)-->(b) RETURN a, c',
      'MATCH (a)-->(b) OPTIONAL MATCH (b)-->(c), (c)-->(gs_again_1) WHERE id(b) = id(gs_again_1) RETURN a, c',
    ],
  ])('of %s', (statement, expected) => {
    expect(numbered(acyclicStatement(statement) ?? '')).toBe(expected);
  });

  it.each([
    'MATCH (a)-->(b), (b)-->(c), (:A)-->(), ()-->(:A) RETURN c',
    'MATCH (a)-->(b) WITH a, b MATCH (b)-->(a) RETURN a',
    'MATCH (a)-->(b)-->(a) RETURN *',
    'MATCH (a)-->(b)-->(a) WITH DISTINCT * RETURN a',
    'MATCH (a)-->(b)-->(a), (gs_again_1) RETURN a',
    'MATCH (a)-->(b)-->(a) WHERE a.x = 1 HINT a JOIN b RETURN a',
    'MATCH (a)-->(b)-->(a',
    'MATCH (a)-[-->(b)-->(a) RETURN a',
    'MATCH',
    '}}} MATCH (a)-->(a) RETURN a',
  ])('is not there of %s', (statement) => {
    expect(acyclicStatement(statement)).toBeUndefined();
  });
});

/** Names that the statement gained are told by the place where they stand; here by their order. */
function numbered(statement: string): string {
  const names = [...new Set(statement.match(/gs_again_\d+/g))];
  return statement.replace(/gs_again_\d+/g, (name) => `gs_again_${names.indexOf(name) + 1}`);
}
