import type { GraphSchema, Property } from './graph-schema';

/** The statements that create the tables of a schema, nodes first. Names were validated as identifiers, so quoting is safe. */
export function definitionsOf(schema: GraphSchema): string[] {
  const nodes = schema.nodes.map(
    (node) =>
      `CREATE NODE TABLE ${quoted(node.name)} (${columns(node.properties)}, PRIMARY KEY (${quoted(node.primaryKey)}))`,
  );
  const relationships = schema.relationships.map((relationship) => {
    const parts = [`FROM ${quoted(relationship.from)} TO ${quoted(relationship.to)}`];
    if (relationship.properties.length > 0) parts.push(columns(relationship.properties));
    return `CREATE REL TABLE ${quoted(relationship.name)} (${parts.join(', ')})`;
  });
  return [...nodes, ...relationships];
}

function columns(properties: Property[]): string {
  return properties.map(({ name, type }) => `${quoted(name)} ${type}`).join(', ');
}

function quoted(name: string): string {
  return `\`${name}\``;
}
