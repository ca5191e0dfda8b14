import { parse, stringify } from 'yaml';
import { toDefinition } from './definition';
import { parseSchema } from './parse-schema';

/** All that can be said of a schema. */
const RICH = {
  name: 'shop',
  version: '2.1.0',
  description: 'Who buys what',
  nodes: [
    {
      name: 'Person',
      description: 'A human being',
      properties: [
        { name: 'id', type: 'UUID', is_primary_key: true, description: 'ours' },
        { name: 'kind', type: 'STRING', required: true, default: "it's", description: 'of buyer' },
        { name: 'age', type: 'UINT64', default: '18446744073709551615' },
        { name: 'weight', type: 'DOUBLE', default: 1.5 },
        { name: 'active', type: 'BOOLEAN', default: false },
        { name: 'homes', type: 'STRUCT(street STRING, at DOUBLE[2])[]' },
        { name: 'scores', type: 'MAP(STRING, INT64[])' },
        { name: 'price', type: 'DECIMAL(6, 2)', default: '1.25' },
      ],
    },
    { name: 'Product', properties: [{ name: 'sku', type: 'STRING', is_primary_key: true }] },
  ],
  relationships: [
    {
      name: 'BUYS',
      description: 'once',
      from_node: 'Person',
      to_node: 'Product',
      from_column: 'buyer',
      to_column: 'what',
      properties: [{ name: 'at', type: 'TIMESTAMP', required: true }],
    },
    {
      name: 'LIKES',
      pairs: [
        { from_node: 'Person', to_node: 'Person' },
        { from_node: 'Person', to_node: 'Product' },
      ],
      properties: [],
    },
  ],
};

describe('toDefinition', () => {
  it('says all that was said, so that what is exported makes the same schema, as JSON and as YAML', () => {
    const schema = parseSchema(RICH);
    expect(toDefinition(schema)).toEqual(RICH);
    expect(parseSchema(JSON.parse(JSON.stringify(toDefinition(schema))) as object)).toEqual(schema);
    expect(parseSchema(parse(stringify(toDefinition(schema))) as object)).toEqual(schema);
  });
});
