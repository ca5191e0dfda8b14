import { ListFunctionRefused } from '../engine.errors';
import { guardCondition, guardStatement } from './statement-guard';

describe('list functions', () => {
  it.each([
    'RETURN list_transform(nodes(p), x -> x.name)',
    'RETURN list_transform(nodes(p), (x) -> x.name)',
    "RETURN list_transform(l, x -> struct_extract(x, 'a'))",
    'RETURN list_transform(l, x -> id(x))',
    'RETURN list_transform(l, x -> [x])',
    'RETURN list_transform(l, x -> x = 1 AND [x] = p.l)',
    'RETURN list_transform(l, x -> {a: upper(x)})',
    'RETURN list_transform(l, x -> x[2:3])',
    'RETURN list_transform(l, x -> coalesce(x, 0))',
    'RETURN list_transform(l, x -> CASE WHEN x > 1 THEN 1 END)',
    'RETURN list_transform(l, x -> x IS NULL)',
    'RETURN list_transform(l, x -> replace(`x`, $a, $b))',
    'RETURN list_transform(a, x -> list_transform(x, y -> y + 1))',
    'RETURN list_transform((a)-[]->(b), x -> x.name)',
    'RETURN `list_transform`(l, x -> X.name)',
    'RETURN list_transform(l, x -> cast(x AS DOUBLE[]))',
    'RETURN list_reduce(l, (x, y) -> x + y)',
    'RETURN List_Filter(l, x -> x > 5)',
    'RETURN `list_filter`(l, x -> x > 5)',
    'RETURN list_append(l, 1)',
    'RETURN array_push_front(l, 1)',
    'RETURN list_any_value(l)',
    'MATCH (n) WHERE any(x IN n.list WHERE x > 5) RETURN n',
    'MATCH (n) WHERE none(`x` IN n.list WHERE x > 5) RETURN n',
  ])('are refused where the engine would get them wrong: %s', (statement) => {
    expect(() => guardStatement(statement)).toThrow(ListFunctionRefused);
  });

  it.each([
    'RETURN list_transform(l, x -> x)',
    'RETURN list_transform(l, x -> upper(x))',
    'RETURN list_transform(l, x -> x[1])',
    'RETURN list_transform(l, (x) -> n.x + x)',
    'RETURN list_transform(l, x -> x IN [1, 2] AND NOT (x = $case))',
    "RETURN list_transform(l, x -> lower(x) STARTS WITH ('a'))",
    'RETURN list_transform(list_transform(l, x -> x + 1), y -> -y)',
    'RETURN list_contains(list_transform(l, x -> x > n.age), true)',
    "RETURN properties(nodes(p), 'name')",
    'MATCH (x)-[any]->(y) RETURN x.name, {a: x.name}, [x]',
    'MATCH (all:List_Filter) RETURN all.list_filter, list_transform',
    'RETURN list_transform(',
    'RETURN list_transform(l, x ->',
    'RETURN list_transform(->',
    'RETURN any(',
  ])('pass where it does not: %s', (statement) => {
    expect(() => guardStatement(statement)).not.toThrow();
  });

  it('are refused in conditions, too', () => {
    expect(() => guardCondition('size(list_filter(n.l, x -> x > 1)) > 1')).toThrow(ListFunctionRefused);
  });

  it('are refused with what to write instead', () => {
    expect(() => guardStatement('RETURN all(x IN [1] WHERE x > 1)')).toThrow(
      'The engine gives wrong values for all(...) of many rows. Write NOT list_contains(list_distinct(list_transform(list, x -> x > 1)), false)',
    );
  });
});
