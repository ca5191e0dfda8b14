import { defaultValue } from './default-values';
import { type GraphSchema, pairsOf, type Property } from './graph-schema';
import { parseType } from './property-types';
import type { Raw } from './raw-reader';

/** The schema as the wire contract writes it: what `parseSchema` reads, with nothing that is not said. */
export function toDefinition(schema: GraphSchema): Raw {
  return said({
    name: schema.name,
    version: schema.version,
    description: schema.description,
    nodes: schema.nodes.map((node) =>
      said({
        name: node.name,
        description: node.description,
        properties: node.properties.map((property) =>
          property.name === node.primaryKey
            ? said({ ...toProperty(property), required: undefined, is_primary_key: true })
            : toProperty(property),
        ),
      }),
    ),
    relationships: schema.relationships.map((relationship) =>
      said({
        name: relationship.name,
        description: relationship.description,
        ...(relationship.pairs === undefined
          ? { from_node: relationship.from, to_node: relationship.to }
          : { pairs: pairsOf(relationship).map(({ from, to }) => ({ from_node: from, to_node: to })) }),
        from_column: relationship.fromColumn,
        to_column: relationship.toColumn,
        properties: relationship.properties.map(toProperty),
      }),
    ),
  });
}

function toProperty({ name, type, required, default: value, description }: Property): Raw {
  return said({
    name,
    type,
    required: required || undefined,
    default: value === undefined ? undefined : defaultValue(value, parseType(type)),
    description,
  });
}

function said(raw: Raw): Raw {
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined));
}
