import { InvalidRequest } from '../common/problem.filter';
import { parseSchema } from './parse-schema';
import { parseType, typeName } from './property-types';
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
        'nodes.1 duplicate',
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

  it('keeps one spelling of a type, whatever it is made of', () => {
    const types = { 'list( text )': 'STRING[]', 'Array(double,3)': 'DOUBLE[3]', 'decimal(10,2)': 'DECIMAL(10, 2)' };
    const nested = {
      'struct(x bigint, Y varchar[])[]': 'STRUCT(x INT64, Y STRING[])[]',
      'MAP(int,BOOL)': 'MAP(INT32, BOOLEAN)',
    };
    for (const [written, kept] of Object.entries({ ...types, ...nested }))
      expect(typeName(parseType(written))).toBe(kept);
  });

  it.each([
    ['LIST', 'say of what'],
    ['JSON', 'take STRING'],
    ['DECIMAL(39, 1)', '1 to 38'],
    ['DECIMAL(4, 2)[]', 'cannot be loaded'],
    ['STRING[', '1 to 65536'],
    ['STRUCT(a INT64, A INT64)', 'twice'],
    ['STRUCT(order INT64)', 'query language'],
    ['MAP(STRING[], INT64)', 'plain'],
    ['INT64) DROP TABLE x', 'too much'],
    [`${'STRUCT(a '.repeat(20)}INT64${')'.repeat(20)}`, 'deep'],
  ])('refuses the type %s and says what to take', (type, words) => {
    expect(() => parseType(type)).toThrow(words);
  });

  it('keeps default values that are of the type, and no others', () => {
    const property = (type: string, value: unknown) => ({ name: 'p', type, default: value });
    const node = (...properties: object[]) => ({ name: 'N', properties: [AIRPORT.properties[0], ...properties] });
    const { nodes } = parseSchema({ name: 's', nodes: [node(property('INT8', 5))] });
    expect(nodes[0].properties[1].default).toBe('5');
    expect(definitionsOf(parseSchema({ name: 's', nodes: [node(property('STRING', "it's"))] }))[0]).toContain(
      "`p` STRING DEFAULT 'it\\'s'",
    );
    const wrong: [string, unknown][] = [
      ['INT8', 128],
      ['UINT64', -1],
      ['INT32', 1.5],
      ['DATE', '2021-02-30'],
      ['TIMESTAMP', '2021-02-03T04:05:06+02:00'],
      ['DECIMAL(4, 2)', 123],
      ['BOOLEAN', 'true'],
      ['STRING[]', []],
      ['BLOB', 'AA=='],
    ];
    for (const [type, value] of wrong)
      expect([type, problemsOf({ name: 's', nodes: [node(property(type, value))] })]).toEqual([
        type,
        ['nodes.0.properties.1.default default'],
      ]);
  });

  it('refuses names that the query language or results need', () => {
    const property = (name: string) => ({ name, type: 'STRING' });
    const node = {
      name: 'Order',
      properties: [AIRPORT.properties[0], property('_id'), property('_SRC'), property('desc')],
    };
    expect(problemsOf({ name: 's', nodes: [node] }).sort()).toEqual([
      'nodes.0.name reserved_word',
      'nodes.0.properties.1.name identifier',
      'nodes.0.properties.2.name identifier',
      'nodes.0.properties.3.name reserved_word',
    ]);
  });

  it('refuses what the engine cannot keep, and says why', () => {
    const unique = { name: 'email', type: 'STRING', unique: true };
    const key = { name: 'k', type: 'STRING', is_primary_key: true, unique: true };
    expect(problemsOf({ name: 's', nodes: [{ name: 'A', properties: [key, unique] }] })).toEqual([
      'nodes.0.properties.1.unique unique',
    ]);
  });
});
