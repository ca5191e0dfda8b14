import { ListFunctionRefused } from '../engine.errors';
import { guardCondition, guardStatement } from './statement-guard';

describe('lambdas of list functions', () => {
  it.each([
    'RETURN list_transform(nodes(p), x -> x.name)',
    'RETURN List_Filter(l, `x` -> `x`.age > 5)',
    'RETURN list_filter(l, x -> 5 < X.age)',
    "RETURN list_filter(l, x -> struct_extract(x, 'a') > 1)",
    'RETURN list_transform(l, x -> id(x))',
    'RETURN list_transform(l, x -> [x])',
    'RETURN list_transform(l, x -> {a: upper(x)})',
    'RETURN list_reduce(l, (x, y) -> x + y.a)',
    'RETURN list_transform(a, x -> list_filter(x, y -> y.a > 1))',
    'MATCH (n) WHERE any(x IN n.list WHERE x.a > 5) RETURN n',
    'MATCH (n) WHERE none(x IN n.list WHERE {a: x} = n.a) RETURN n',
  ])('are refused where the engine would mix up values: %s', (statement) => {
    expect(() => guardStatement(statement)).toThrow(ListFunctionRefused);
  });

  it.each([
    'RETURN list_transform(l, x -> upper(x))',
    'RETURN list_transform(l, x -> x[1])',
    'RETURN list_transform(l, x -> n.x + x)',
    'RETURN list_filter(l, x -> x IN [1, 2])',
    'RETURN list_filter(n.l, x -> x > n.age)',
    'RETURN list_reduce(l, (x, y) -> x + y)',
    "RETURN properties(nodes(p), 'name')",
    'MATCH (n) WHERE all(x IN n.list WHERE x > 5) RETURN n',
    'MATCH (x)-[any]->(y) RETURN x.name, {a: x.name}, [x]',
    'RETURN x.list_filter, list_transform',
    'RETURN list_transform(',
    'RETURN list_transform(l, x ->',
  ])('pass where it does not: %s', (statement) => {
    expect(() => guardStatement(statement)).not.toThrow();
  });

  it('are refused in conditions, too', () => {
    expect(() => guardCondition('size(list_filter(n.l, x -> x.a > 1)) > 1')).toThrow(ListFunctionRefused);
  });
});
