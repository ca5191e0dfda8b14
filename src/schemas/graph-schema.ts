/** Types that a property may have: the engine's names, which are also DuckDB's (STRING aside) for all of these. */
export const PROPERTY_TYPES = [
  'STRING',
  'BOOLEAN',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'FLOAT',
  'DOUBLE',
  'DATE',
  'TIMESTAMP',
  'UUID',
] as const;
export type PropertyType = (typeof PROPERTY_TYPES)[number];

export interface Property {
  name: string;
  type: PropertyType;
  /** A row without a value is rejected before loading. */
  required: boolean;
  description?: string;
}

export interface NodeType {
  name: string;
  description?: string;
  /** Name of the property whose value identifies a node; required and unique. */
  primaryKey: string;
  properties: Property[];
}

export interface RelationshipType {
  name: string;
  description?: string;
  /** Node types at the two ends. */
  from: string;
  to: string;
  /** Columns of the staging table that hold the keys of the ends; without them `from`/`to` or `src`/`dst` are looked for. */
  fromColumn?: string;
  toColumn?: string;
  properties: Property[];
}

/** What a graph consists of, validated: names are plain identifiers, unique, and every end exists. */
export interface GraphSchema {
  name: string;
  version: string;
  description?: string;
  nodes: NodeType[];
  relationships: RelationshipType[];
}

/** The staging table's type in the schema, by its exact name. */
export function findType(
  schema: GraphSchema,
  name: string,
): { kind: 'node'; type: NodeType } | { kind: 'relationship'; type: RelationshipType } | undefined {
  const node = schema.nodes.find((candidate) => candidate.name === name);
  if (node) return { kind: 'node', type: node };
  const relationship = schema.relationships.find((candidate) => candidate.name === name);
  return relationship && { kind: 'relationship', type: relationship };
}
