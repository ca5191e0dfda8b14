import { InvalidRequest } from '../common/problem.filter';
import { editDefinition, type SchemaEdits } from './edit-definition';
import { parseSchema } from './parse-schema';

const key = { name: 'id', type: 'INT64', is_primary_key: true };
const person = { name: 'Person', properties: [key, { name: 'name', type: 'STRING' }] };
const robot = { name: 'Robot', properties: [key] };
const knows = { name: 'KNOWS', from_node: 'Person', to_node: 'Person' };
const CURRENT = parseSchema({ name: 'people', nodes: [person, robot], relationships: [knows] });

describe('editDefinition', () => {
  const edit = (edits: SchemaEdits) => editDefinition(CURRENT, edits).definition;
  const problems = (edits: SchemaEdits): [string, string][] => {
    try {
      edit(edits);
    } catch (error) {
      if (error instanceof InvalidRequest) return error.fields.map(({ loc, type }) => [loc.join('.'), type]);
      throw error;
    }
    return [];
  };

  it('gives the same definition back where nothing is asked, and leaves the schema itself alone', () => {
    const before = JSON.stringify(CURRENT);
    expect(parseSchema(edit({}))).toEqual(CURRENT);
    edit({ drop: ['nodes.Robot', 'relationships.KNOWS'], add: { nodes: [{ ...person, properties: [] }] } });
    expect(JSON.stringify(CURRENT)).toBe(before);
  });

  it('adds types, and properties, pairs and descriptions to types that are there', () => {
    const age = { name: 'age', type: 'INT32' };
    const likes = { name: 'LIKES', from_node: 'Person', to_node: 'Robot' };
    const edited = edit({
      add: {
        version: '2.0.0',
        nodes: [
          { name: 'Person', description: 'One of us', properties: [age] },
          { name: 'Dog', properties: [key] },
        ],
        relationships: [likes, { name: 'KNOWS', pairs: [{ from_node: 'Person', to_node: 'Robot' }] }],
      },
    });
    expect(edited).toMatchObject({
      version: '2.0.0',
      nodes: [
        { name: 'Person', description: 'One of us', properties: [{ name: 'id' }, { name: 'name' }, age] },
        { name: 'Robot' },
        { name: 'Dog' },
      ],
      relationships: [
        {
          name: 'KNOWS',
          pairs: [
            { from_node: 'Person', to_node: 'Person' },
            { from_node: 'Person', to_node: 'Robot' },
          ],
        },
        likes,
      ],
    });
    expect((edited.relationships as object[])[0]).not.toHaveProperty('from_node');
  });

  it('drops types, properties and pairs by the paths of the report, before it adds', () => {
    const edited = edit({
      drop: ['nodes.Person.properties.name', 'nodes.Robot', 'relationships.KNOWS.pairs.Person->Person'],
      add: {
        nodes: [{ name: 'Person', properties: [{ name: 'name', type: 'STRING[]' }] }],
        relationships: [{ name: 'KNOWS', pairs: [{ from_node: 'Person', to_node: 'Person' }] }],
      },
    });
    expect(parseSchema(edited)).toMatchObject({
      nodes: [{ name: 'Person', properties: [{ name: 'id' }, { name: 'name', type: 'STRING[]' }] }],
      relationships: [{ from: 'Person', to: 'Person' }],
    });
  });

  it('says every problem at once, each where the sender wrote it', () => {
    const edits = {
      drop: ['nodes.Nobody', 'nodes.Person.properties.shoe', 'Person', 'relationships.KNOWS.pairs.Robot->Person'],
      add: {
        edges: [],
        nodes: [{ name: 'Person', colour: 'red', properties: 'many' }],
        relationships: [{ name: 'KNOWS', from_node: 'Robot' }],
      },
    };
    expect(problems(edits).sort()).toEqual(
      [
        ['body.drop.0', 'unknown_path'],
        ['body.drop.1', 'unknown_path'],
        ['body.drop.2', 'unknown_path'],
        ['body.drop.3', 'unknown_path'],
        ['body.add.edges', expect.any(String)],
        ['body.add.nodes.0.colour', expect.any(String)],
        ['body.add.nodes.0.properties', expect.any(String)],
        ['body.add.relationships.0.from_node', expect.any(String)],
      ].sort(),
    );
  });

  it('tells at a dropped node type which pairs still need it, unless these go too or it comes back', () => {
    const needed = 'relationships.KNOWS.pairs.Person->Person';
    const found = problems({ drop: ['nodes.Person'] });
    expect(found).toEqual([['body.drop.0', 'still_needed']]);
    expect(problems({ drop: ['nodes.Person', needed] })).toEqual([]);
    expect(problems({ drop: ['nodes.Person', 'relationships.KNOWS'] })).toEqual([]);
    expect(problems({ drop: ['nodes.Person'], add: { nodes: [{ name: 'Person', properties: [] }] } })).toEqual([]);
  });

  it('lets problems of the whole be told where the addition is, not where it ends up', () => {
    const { definition, origins } = editDefinition(CURRENT, {
      add: { nodes: [{ name: 'Person', properties: [{ name: 'name', type: 'WORD' }] }] },
    });
    const fields = (() => {
      try {
        parseSchema(definition, ['body', 'add'], origins);
      } catch (error) {
        return (error as InvalidRequest).fields.map(({ loc }) => loc.join('.'));
      }
      return [];
    })();
    expect([...new Set(fields)].sort()).toEqual([
      'body.add.nodes.0.properties.0',
      'body.add.nodes.0.properties.0.type',
    ]);
  });
});
