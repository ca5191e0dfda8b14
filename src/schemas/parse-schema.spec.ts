import { InvalidRequest } from '../common/problem.filter';
import { parseSchema } from './parse-schema';
import { definitionsOf } from './schema-definitions';

const AIRPORT = { name: 'Airport', properties: [{ name: 'iata', type: 'STRING', is_primary_key: true }] };

function problemsOf(schema: object): string[] {
  try {
    parseSchema(schema);
  } catch (error) {
    if (error instanceof InvalidRequest)
      return error.fields.map((field) => `${field.loc.slice(2).join('.')} ${field.type}`);
    throw error;
  }
  return [];
}

describe('parseSchema', () => {
  it('reads nodes, relationships and their types', () => {
    const schema = parseSchema({
      name: 'flights',
      nodes: [AIRPORT],
      relationships: [
        { name: 'ROUTE', from_node: 'Airport', to_node: 'Airport', properties: [{ name: 'count', type: 'bigint' }] },
      ],
    });
    expect(schema.nodes[0]).toMatchObject({ primaryKey: 'iata', properties: [{ name: 'iata', required: true }] });
    expect(definitionsOf(schema)).toEqual([
      'CREATE NODE TABLE `Airport` (`iata` STRING, PRIMARY KEY (`iata`))',
      'CREATE REL TABLE `ROUTE` (FROM `Airport` TO `Airport`, `count` INT64)',
    ]);
  });

  it('reports every problem at once with its path', () => {
    expect(
      problemsOf({
        name: '',
        nodes: [AIRPORT, { name: 'airport', properties: [{ name: 'x`) DROP', type: 'NUMBER' }] }, 7],
        relationships: [{ name: 'R', from_node: 'Airport', to_node: 'Nowhere', extra: 1 }],
      }).sort(),
    ).toEqual(
      [
        'nodes.2 object',
        'nodes.1.properties.0.type unknown_type',
        'nodes.1.properties.0.name identifier',
        'nodes.1.properties primary_key',
        'relationships.0.extra unknown_field',
        'relationships.0.to_node unknown_node',
        ' duplicate',
        'name text',
      ].sort(),
    );
  });

  it('wants exactly one key, of a type that can be one', () => {
    const key = (type: string) => ({ name: 'k', type, is_primary_key: true });
    expect(problemsOf({ name: 's', nodes: [{ name: 'A', properties: [key('DOUBLE')] }] })).toEqual([
      'nodes.0.properties.0.type primary_key',
    ]);
    expect(
      problemsOf({ name: 's', nodes: [{ name: 'A', properties: [key('INT64'), { ...key('STRING'), name: 'l' }] }] }),
    ).toEqual(['nodes.0.properties primary_key']);
  });

  it('refuses a property name with two types, for which the engine would give wrong values', () => {
    const city = { name: 'City', properties: [{ name: 'iata', type: 'INT64', is_primary_key: true }] };
    expect(problemsOf({ name: 's', nodes: [AIRPORT, city] })).toEqual(['nodes.1.properties property_type_clash']);
  });

  it('refuses what cannot be honoured instead of ignoring it', () => {
    expect(problemsOf({ name: 's', extends: 'base', nodes: [AIRPORT] })).toEqual(['extends not_implemented']);
  });
});
