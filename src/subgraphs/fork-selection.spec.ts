import { InvalidRequest } from '../common/problem.filter';
import type { GraphSchema } from '../schemas/graph-schema';
import { readForkOptions } from './fork-options';
import { selectFork } from './fork-selection';

const key = { name: 'id', type: 'INT64', required: true };
const node = (name: string) => ({ name, primaryKey: 'id', properties: [key] });
const SCHEMA: GraphSchema = {
  name: 's',
  version: '1',
  nodes: ['Airport', 'Airline', 'City'].map(node),
  relationships: [
    { name: 'FLIES', from: 'Airline', to: 'Airport', properties: [] },
    { name: 'ROUTE', from: 'Airport', to: 'Airport', properties: [] },
    {
      name: 'NEAR',
      from: 'Airport',
      to: 'City',
      pairs: [
        { from: 'Airport', to: 'City' },
        { from: 'City', to: 'City' },
      ],
      properties: [],
    },
  ],
};

const taken = (options: object | null) => {
  const { whole, nodes, relationships } = selectFork(options, SCHEMA);
  return [
    whole,
    nodes.map(({ type, condition }) => (condition === undefined ? type.name : `${type.name}: ${condition}`)),
    relationships.map(({ type, pairs }) => `${type.name} ${pairs.map(({ from, to }) => `${from}-${to}`).join(' ')}`),
  ];
};
const problems = (work: () => unknown): unknown[] => {
  try {
    work();
    return [];
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    return error.fields.map(({ loc, msg }) => `${loc.slice(3).join('.')}: ${msg}`);
  }
};
const refused = (options: object) => problems(() => selectFork(options, SCHEMA));

describe('what a fork takes', () => {
  it('is everything where nothing else is said, however that is not said', () => {
    const all = [
      true,
      ['Airport', 'Airline', 'City'],
      ['FLIES Airline-Airport', 'ROUTE Airport-Airport', 'NEAR Airport-City City-City'],
    ];
    for (const options of [null, {}, { tables: null, where: {}, exclude_patterns: [] }, { include_staging: true }])
      expect(taken(options)).toEqual(all);
    expect(taken({ tables: ['City', 'NEAR', 'Airport', 'Airline', 'FLIES', 'ROUTE'] })).toEqual(all);
  });

  it('are the node types that are named, with the relationships between them', () => {
    expect(taken({ tables: ['Airport', 'City'] })).toEqual([
      false,
      ['Airport', 'City'],
      ['ROUTE Airport-Airport', 'NEAR Airport-City City-City'],
    ]);
    expect(taken({ tables: ['City'] })).toEqual([false, ['City'], ['NEAR City-City']]);
    expect(taken({ tables: ['Airport', 'City', 'ROUTE'] })).toEqual([
      false,
      ['Airport', 'City'],
      ['ROUTE Airport-Airport'],
    ]);
  });

  it('leaves out what a pattern matches, and what leads there', () => {
    expect(taken({ exclude_patterns: ['A?rline', 'N*'] })).toEqual([
      false,
      ['Airport', 'City'],
      ['ROUTE Airport-Airport'],
    ]);
    expect(taken({ exclude_patterns: ['*port'] })).toEqual([false, ['Airline', 'City'], ['NEAR City-City']]);
    expect(taken({ exclude_patterns: ['ROUTE'] })).toEqual([
      false,
      ['Airport', 'Airline', 'City'],
      ['FLIES Airline-Airport', 'NEAR Airport-City City-City'],
    ]);
    // A pattern that matches nothing is no mistake; a regular expression would be at this one for years.
    expect(taken({ exclude_patterns: [`${'*A'.repeat(90)}b`, '[A-Z]*'] })[0]).toBe(true);
  });

  it('can have conditions, and is not all then', () => {
    expect(taken({ tables: ['City'], where: { City: 'n.id > 1' } })).toEqual([
      false,
      ['City: n.id > 1'],
      ['NEAR City-City'],
    ]);
  });

  it('names what there is where something else is named', () => {
    const all = 'Airport, Airline, City, FLIES, ROUTE, NEAR';
    expect(
      refused({ tables: ['Airport', 'airport'], exclude_patterns: ['Nothing', 'No*'], where: { ROUTE: 'true' } }),
    ).toEqual([
      `tables.1: there is no type "airport"; there are ${all}`,
      `exclude_patterns.0: there is no type "Nothing"; there are ${all}`,
      'where.ROUTE: there is no such node type; there are Airport, Airline, City',
    ]);
    expect(refused({ tables: ['Airport'], where: { City: 'true' } })).toEqual([
      'where.City: the fork does not take City',
    ]);
    expect(refused({ tables: ['Airport', 'NEAR'] })).toEqual([
      'tables.1: NEAR needs the node types at both of its ends: Airport and City, or City and City',
    ]);
    expect(refused({ exclude_patterns: ['*'] })).toEqual([expect.stringContaining('no node type is left')]);
  });

  it('is read from the metadata as it is there, or refused', () => {
    const options = { tables: ['A'], where: { A: 'n.x = 1' }, include_staging: false };
    expect(readForkOptions({ other: 1, fork_options: options })).toBe(options);
    for (const metadata of [null, undefined, {}, { fork_options: null }]) expect(readForkOptions(metadata)).toBeNull();
    const reasons = (fork_options: unknown) => problems(() => readForkOptions({ fork_options }));
    expect(reasons([])).toEqual([': must be an object']);
    expect(reasons({ table: ['A'] })).toEqual([expect.stringContaining('table: ')]);
    expect(reasons({ tables: [] })).toHaveLength(1);
    expect(reasons({ tables: 'A' })).not.toEqual([]);
    expect(reasons({ tables: [1] })).toHaveLength(1);
    expect(reasons({ where: ['A'] })).not.toEqual([]);
    expect(reasons({ where: { A: 1, B: '' } })).toEqual(['where.A: must be a text', 'where.B: must not be empty']);
    expect(reasons({ include_staging: 'yes' })).toHaveLength(1);
  });
});
