import type { PropertyType } from './property-types';

export type { PropertyType } from './property-types';

export interface Property {
  name: string;
  type: PropertyType;
  /** A row without a value is rejected before loading. */
  required: boolean;
  /** The value of rows that bring none, in the text form of its type. */
  default?: string;
  description?: string;
}

export interface NodeType {
  name: string;
  description?: string;
  /** Name of the property whose value identifies a node; required and unique. */
  primaryKey: string;
  properties: Property[];
}

/** Node types that a relationship leads from and to. */
export interface EndPair {
  from: string;
  to: string;
}

/** Node types at the ends of rows, as far as somebody says them. */
export interface SaidEnds {
  from?: string;
  to?: string;
}

export interface RelationshipType {
  name: string;
  description?: string;
  /** Node types at the two ends; of the first pair, where there are several. */
  from: string;
  to: string;
  /** All pairs of node types that it may join, where there is more than one: ask {@link pairsOf}. */
  pairs?: EndPair[];
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
  /** Names of the ready-made schemas that it was made from. */
  extensions?: string[];
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

/** The pairs of node types that a relationship may join; at least one. */
export function pairsOf({ from, to, pairs }: Pick<RelationshipType, 'from' | 'to' | 'pairs'>): EndPair[] {
  return pairs ?? [{ from, to }];
}

/** Those pairs of a relationship that have the ends which are said; what leaves several says too little. */
export function pairsWith(relationship: RelationshipType, { from, to }: SaidEnds): EndPair[] {
  return pairsOf(relationship).filter(
    (pair) => (from === undefined || pair.from === from) && (to === undefined || pair.to === to),
  );
}

/** The type of the keys of a node type. */
export function keyType({ nodes }: GraphSchema, name: string): PropertyType {
  const node = nodes.find((candidate) => candidate.name === name);
  const key = node?.properties.find((property) => property.name === node.primaryKey);
  if (!key) throw new Error(`The schema has no node type ${name} with a key`);
  return key.type;
}
