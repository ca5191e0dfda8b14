import type { GraphSchema } from './graph-schema';
import { parseSchema } from './parse-schema';
import { compareSchemas, formerOnlyPairs, statementsOf } from './schema-changes';

const key = { name: 'id', type: 'INT64', is_primary_key: true };
const name = { name: 'name', type: 'STRING' };
const person = { name: 'Person', properties: [key, name] };
const robot = { name: 'Robot', properties: [key] };
const knows = { name: 'KNOWS', from_node: 'Person', to_node: 'Person' };
const pair = (from_node: string, to_node: string) => ({ from_node, to_node });

const schema = (nodes: object[], relationships: object[] = [], rest: object = {}): GraphSchema =>
  parseSchema({ name: 'people', nodes, relationships, ...rest });

describe('compareSchemas', () => {
  const verdicts = (before: GraphSchema, after: GraphSchema, rows: Record<string, number> = {}) =>
    compareSchemas(before, after, rows).map(({ path, change, verdict }) => `${path} ${change} ${verdict}`);
  const statements = (before: GraphSchema, after: GraphSchema) => statementsOf(compareSchemas(before, after, {}));

  it('finds nothing between a schema and itself, whatever order its types are written in', () => {
    expect(compareSchemas(schema([person, robot], [knows]), schema([robot, person], [knows]), { Person: 5 })).toEqual(
      [],
    );
  });

  it('lists what is added and dropped with its path and says of what is dropped how much is lost', () => {
    const before = schema([person, robot], [knows]);
    const after = schema([{ ...person, properties: [key, { name: 'age', type: 'INT32' }] }]);
    expect(verdicts(before, after)).toEqual([
      'relationships.KNOWS dropped confirm',
      'nodes.Person.properties.name dropped confirm',
      'nodes.Robot dropped confirm',
      'nodes.Person.properties.age added compatible',
    ]);
    const lost = compareSchemas(before, after, { Person: 7, Robot: 3, KNOWS: 9 }).map(({ message }) => message);
    expect(lost.slice(0, 3)).toEqual([
      'KNOWS is removed with its 9 rows',
      'The values of name of Person are removed (7 rows)',
      'Robot is removed with its 3 rows',
    ]);
  });

  it('drops what leans on others before them, and makes room before what needs it', () => {
    const owns = { name: 'OWNS', pairs: [pair('Person', 'Robot'), pair('Person', 'Person')] };
    const before = schema([person, robot], [owns, knows]);
    const dog = { name: 'Dog', properties: [key] };
    const after = schema([person, dog], [{ name: 'OWNS', pairs: [pair('Person', 'Person'), pair('Person', 'Dog')] }]);
    expect(statements(before, after)).toEqual([
      'DROP TABLE `KNOWS`',
      'ALTER TABLE `OWNS` DROP FROM `Person` TO `Robot`',
      'DROP TABLE `Robot`',
      'CREATE NODE TABLE `Dog` (`id` INT64, PRIMARY KEY (`id`))',
      'ALTER TABLE `OWNS` ADD FROM `Person` TO `Dog`',
    ]);
  });

  it('refuses what the engine cannot do, each with its reason, and what rows stand against only while there are some', () => {
    const before = schema([{ ...person, properties: [key, name, { name: 'age', type: 'INT32', default: 1 }] }]);
    const after = schema([
      {
        ...person,
        properties: [
          key,
          { ...name, required: true },
          { name: 'age', type: 'INT64', default: 2 },
          { name: 'born', type: 'DATE', required: true },
        ],
      },
    ]);
    const found = compareSchemas(before, after, { Person: 4 });
    expect(found.map(({ path, verdict, message }) => [path, verdict, message.slice(0, 40)])).toEqual([
      ['nodes.Person.properties.name', 'refused', '4 rows of Person are there, and some may'],
      ['nodes.Person.properties.age', 'refused', 'The engine cannot turn age of Person fro'],
      ['nodes.Person.properties.age', 'refused', 'The engine cannot change the default of '],
      ['nodes.Person.properties.born', 'refused', '4 rows of Person would lack the required'],
    ]);
    expect(statementsOf(found)).toEqual([]);
    expect(verdicts(before, after)).toEqual([
      'nodes.Person.properties.name changed compatible',
      'nodes.Person.properties.age changed refused',
      'nodes.Person.properties.age changed refused',
      'nodes.Person.properties.born added compatible',
    ]);
    const rekeyed = schema([
      {
        ...person,
        properties: [
          { ...key, is_primary_key: false },
          { ...name, is_primary_key: true },
        ],
      },
    ]);
    expect(verdicts(schema([person]), rekeyed)).toEqual(['nodes.Person changed refused']);
  });

  it('lets a required property with a default be added to rows, and any requirement be given up', () => {
    const before = schema([{ ...person, properties: [key, { ...name, required: true }] }]);
    const kind = { name: 'kind', type: 'STRING', required: true, default: 'it' };
    const after = schema([{ ...person, properties: [key, name, kind] }]);
    expect(verdicts(before, after, { Person: 4 })).toEqual([
      'nodes.Person.properties.name changed compatible',
      'nodes.Person.properties.kind added compatible',
    ]);
    expect(statements(before, after)).toEqual(["ALTER TABLE `Person` ADD `kind` STRING DEFAULT 'it'"]);
  });

  it('takes new words for nothing that touches the data', () => {
    const before = schema([person], [knows]);
    const after = schema(
      [{ ...person, description: 'One of us', properties: [key, { ...name, description: 'as called' }] }],
      [{ ...knows, from_column: 'a' }],
      { version: '2.0.0' },
    );
    expect(verdicts(before, after)).toEqual([
      'schema.version changed compatible',
      'nodes.Person.description changed compatible',
      'nodes.Person.properties.name.description changed compatible',
      'relationships.KNOWS.fromColumn changed compatible',
    ]);
    expect(statements(before, after)).toEqual([]);
  });

  it('takes a name in other letters for another name', () => {
    const before = schema([person]);
    const after = schema([{ ...person, properties: [key, { ...name, name: 'Name' }] }]);
    expect(verdicts(before, after)).toEqual([
      'nodes.Person.properties.name dropped confirm',
      'nodes.Person.properties.Name added compatible',
    ]);
  });
});

describe('formerOnlyPairs', () => {
  it('are those of relationships that led one way and lead several now', () => {
    const several = { name: 'KNOWS', pairs: [pair('Person', 'Person'), pair('Person', 'Robot')] };
    const [one, two] = [schema([person, robot], [knows]), schema([person, robot], [several])];
    expect(formerOnlyPairs(one, two)).toEqual([{ table: 'KNOWS', pair: { from: 'Person', to: 'Person' } }]);
    expect(formerOnlyPairs(two, one)).toEqual([]);
    expect(formerOnlyPairs(two, two)).toEqual([]);
    expect(formerOnlyPairs(schema([person, robot]), two)).toEqual([]);
  });
});
