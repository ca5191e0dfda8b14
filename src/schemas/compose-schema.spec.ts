import { InvalidRequest } from '../common/problem.filter';
import { composeSchema } from './compose-schema';
import { schemaExtensions } from './schema-extensions';

const NAMES = [...schemaExtensions().keys()];

function problemsOf(parts: Parameters<typeof composeSchema>[0]): { path: string; msg: string }[] {
  try {
    composeSchema(parts);
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    return error.fields.map(({ loc, msg }) => ({ path: loc.slice(1).join('.'), msg }));
  }
  return [];
}

describe('composeSchema', () => {
  it('takes every ready-made schema, alone and all together', () => {
    expect(NAMES).toEqual(['commerce', 'geography', 'people', 'publications']);
    for (const name of NAMES) expect(composeSchema({ name: 'one', extensions: [name] }).extensions).toEqual([name]);
    const all = composeSchema({ name: 'all', extensions: [...NAMES, 'people'] });
    expect(all.extensions).toEqual(NAMES);
    expect(all.nodes.length).toBe(12);
  });

  it('joins own types with those of extensions', () => {
    const owns = { name: 'OWNS', from_node: 'Person', to_node: 'Product' };
    const custom = { name: 'shop', extends: 'people', relationships: [owns] };
    const schema = composeSchema({ name: 'g', custom, extensions: ['commerce'] });
    expect(schema.relationships.at(-1)).toMatchObject({ from: 'Person', to: 'Product' });
    expect(schema).toMatchObject({ name: 'shop', extensions: ['commerce', 'people'] });
  });

  it('names both sides of a clash, at the place that the sender wrote', () => {
    const key = { name: 'id', type: 'INT64', is_primary_key: true };
    const custom = {
      name: 's',
      nodes: [
        { name: 'Robot', properties: [key] },
        { name: 'person', properties: [key] },
      ],
    };
    const problems = problemsOf({ name: 'g', custom, extensions: ['people'] });
    expect(problems).toContainEqual({
      path: 'custom_schema.nodes.1',
      msg: 'type "person" is there twice: in extension "people" and in the custom schema',
    });
    expect(problems).toContainEqual({
      path: 'custom_schema.nodes.0.properties',
      msg: expect.stringContaining('"id" is STRING in Person (extension "people") and INT64 in Robot') as string,
    });
  });

  it('refuses extensions that are not there, beside everything else', () => {
    expect(problemsOf({ name: 'g', extensions: ['people', '../people'], custom: { name: '', extends: 7 } })).toEqual([
      { path: 'metadata.schema_extensions.1', msg: expect.stringContaining('commerce, geography') as string },
      { path: 'custom_schema.extends', msg: expect.stringContaining('no such extension') as string },
      { path: 'custom_schema.name', msg: 'must be a text that is not empty' },
    ]);
  });
});
