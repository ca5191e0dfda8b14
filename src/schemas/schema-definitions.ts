import {
  type EndPair,
  type GraphSchema,
  type NodeType,
  pairsOf,
  type Property,
  type RelationshipType,
} from './graph-schema';

/** The statements that create the tables of a schema, nodes first. Names were validated as identifiers, so quoting is safe. */
export function definitionsOf(schema: GraphSchema): string[] {
  return [...schema.nodes.map(nodeDefinition), ...schema.relationships.map(relationshipDefinition)];
}

export function nodeDefinition(node: NodeType): string {
  const columns = node.properties.map(columnDefinition).join(', ');
  return `CREATE NODE TABLE ${quoted(node.name)} (${columns}, PRIMARY KEY (${quoted(node.primaryKey)}))`;
}

export function relationshipDefinition(relationship: RelationshipType): string {
  const parts = [...pairsOf(relationship).map(pairDefinition), ...relationship.properties.map(columnDefinition)];
  return `CREATE REL TABLE ${quoted(relationship.name)} (${parts.join(', ')})`;
}

export function pairDefinition({ from, to }: EndPair): string {
  return `FROM ${quoted(from)} TO ${quoted(to)}`;
}

export function columnDefinition({ name, type, default: value }: Property): string {
  const column = `${quoted(name)} ${type}`;
  return value === undefined ? column : `${column} DEFAULT ${defaultValue(value, type)}`;
}

export function quoted(name: string): string {
  return `\`${name}\``;
}

function defaultValue(text: string, type: string): string {
  const literal = `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
  return type === 'STRING' ? literal : `cast(${literal} AS ${type})`;
}
