import type { GraphSchema, Property } from './graph-schema';

/** The schema as the wire contract writes it, with what the reference leaves out: types, keys and both ends. */
export function toSchemaDto(schema: GraphSchema): object {
  return {
    name: schema.name,
    version: schema.version,
    description: schema.description ?? null,
    nodes: schema.nodes.map((node) => ({
      name: node.name,
      description: node.description ?? null,
      properties: node.properties.map((property) => ({
        ...toPropertyDto(property),
        is_primary_key: property.name === node.primaryKey,
      })),
    })),
    relationships: schema.relationships.map((relationship) => ({
      name: relationship.name,
      description: relationship.description ?? null,
      from_node: relationship.from,
      to_node: relationship.to,
      from_column: relationship.fromColumn ?? null,
      to_column: relationship.toColumn ?? null,
      properties: relationship.properties.map(toPropertyDto),
    })),
    node_labels: schema.nodes.map((node) => node.name),
    relationship_types: schema.relationships.map((relationship) => relationship.name),
    node_properties: Object.fromEntries(
      schema.nodes.map((node) => [node.name, node.properties.map((property) => property.name)]),
    ),
  };
}

function toPropertyDto({ name, type, required, description }: Property): object {
  return { name, type, required, description: description ?? null };
}
