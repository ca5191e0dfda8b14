import { AggregatesRefused } from '../engine.errors';
import { guardCondition, guardStatement } from './statement-guard';

describe('aggregates of groups', () => {
  it.each([
    'MATCH (n) RETURN n.city, count(DISTINCT n.name), count(*)',
    'MATCH (n) RETURN sum( distinct n.age) AS ages, n.city AS city, max(n.age) AS oldest',
    'MATCH (n) RETURN n.city, count(DISTINCT n.name) * 1.0 / count(*) AS share ORDER BY share',
    'MATCH (n) WITH n.city AS city, collect(DISTINCT n.name) AS names, `avg`(n.age) AS age WHERE age > 3 RETURN city, names',
    'MATCH (n) RETURN n.age + count(DISTINCT n.name) + count(*)',
    'MATCH (n) RETURN n.city, {names: count(DISTINCT n.name)}, [{all: count(*)}]',
    'MATCH (n) WHERE EXISTS {MATCH (n)-->(m) WITH m, count(DISTINCT m.x) AS a, count(*) AS b WHERE a > b RETURN m} RETURN n',
    'MATCH (n) RETURN n.x, count(*), count(DISTINCT n.name), min(n.y) UNION MATCH (n) RETURN n.x, 1, 2, 3',
  ])('are refused behind one with DISTINCT: %s', (statement) => {
    expect(() => guardStatement(statement)).toThrow(AggregatesRefused);
  });

  it.each([
    'MATCH (n) RETURN n.city, count(*), count(DISTINCT n.name)',
    'MATCH (n) RETURN n.city, count(*), sum(DISTINCT n.age), count(DISTINCT n.name)',
    'MATCH (n) RETURN count(DISTINCT n.name), count(*), max(n.age) AS oldest',
    'MATCH (n) RETURN round(count(DISTINCT n.name) * 1.0 / count(*), 2) AS share',
    'MATCH (n) WITH n.city AS city, count(DISTINCT n.name) AS names RETURN city, names, count(*)',
    'MATCH (n) RETURN DISTINCT n.city, count(*), n.count',
    "MATCH (n) WHERE n.x STARTS WITH 'count(DISTINCT x), count(*)' RETURN n.x, COUNT {MATCH (n)-->()}, count(DISTINCT n.y)",
    'MATCH (n) RETURN n.city, count(DISTINCT n.name), COUNT {MATCH (n)-->()}',
    'RETURN',
  ])('pass elsewhere: %s', (statement) => {
    expect(() => guardStatement(statement)).not.toThrow();
  });

  it('are refused in conditions, too', () => {
    const counted = 'EXISTS {MATCH (n)-->(m) WITH m, count(DISTINCT m.x) AS a, count(*) AS b WHERE a < b RETURN m}';
    expect(() => guardCondition(counted)).toThrow(AggregatesRefused);
  });
});
