import type { GenerationManifest, QueryColumn } from '../engine/graph-engine';
import { findType, type GraphSchema, type NodeType, pairsOf, type RelationshipType } from '../schemas/graph-schema';
import { quoted } from '../schemas/schema-definitions';
import { targetColumns } from '../staging/prepare-plan';

/** A table of an export: the columns are those by which staging would read a file for it. */
export interface PlannedTable {
  table: string;
  kind: 'node' | 'relationship';
  /** With the graph's names of their types. */
  columns: QueryColumn[];
  readings: Reading[];
}

/** Rows of a table: all nodes of a type, or the relationships between two types. */
export interface Reading {
  /** Has `last`: the highest place of a node that may have rows. */
  placesStatement: string;
  /** Rows of all nodes. */
  statement: string;
  /** Rows of nodes from place `$first` to before place `$next`, with one text for all of them. */
  partStatement: string;
  /** About so many rows belong to one node. */
  rowsPerNode: number;
}

/** What to read for every table of a schema, nodes first. */
export function exportPlan(schema: GraphSchema, { nodes, relationships }: Counts): PlannedTable[] {
  return [
    ...schema.nodes.map((type): PlannedTable => ({
      table: type.name,
      kind: 'node',
      columns: columnsOf(schema, type.name),
      readings: [nodeReading(type)],
    })),
    ...schema.relationships.map((type): PlannedTable => ({
      table: type.name,
      kind: 'relationship',
      columns: columnsOf(schema, type.name),
      readings: pairsOf(type).map((pair) =>
        pairReading(schema, type, pair, (relationships[type.name] ?? 0) / Math.max(1, nodes[pair.from] ?? 0)),
      ),
    })),
  ];
}

export type Counts = Pick<GenerationManifest, 'nodes' | 'relationships'>;

function columnsOf(schema: GraphSchema, table: string): QueryColumn[] {
  return targetColumns(schema, table).map(({ name, type }) => ({ name, type }));
}

function nodeReading({ name, properties }: NodeType): Reading {
  const match = `MATCH (n:${quoted(name)})`;
  const values = properties.map((property) => `n.${quoted(property.name)} AS ${quoted(property.name)}`);
  return reading('n', match, values, match, 1);
}

/** A relationship of several pairs says in columns of its own which pair a row is of. */
function pairReading(
  schema: GraphSchema,
  { name, properties }: RelationshipType,
  pair: { from: string; to: string },
  rowsPerNode: number,
): Reading {
  const columns = targetColumns(schema, name).filter(({ role }) => role !== 'property');
  const ends = columns.map(({ role, name: column, type }, at) => {
    const side = role === 'label' ? (columns.slice(0, at).some((one) => one.role === 'label') ? 'to' : 'from') : role;
    const label = side === 'from' ? pair.from : pair.to;
    if (role === 'label') return `'${label}' AS ${quoted(column)}`;
    const { type: end } = findType(schema, label) as { type: NodeType };
    const key = `${side === 'from' ? 'a' : 'b'}.${quoted(end.primaryKey)}`;
    const keyType = end.properties.find((property) => property.name === end.primaryKey)!.type;
    return `${type === keyType ? key : `cast(${key} AS STRING)`} AS ${quoted(column)}`;
  });
  const values = properties.map((property) => `r.${quoted(property.name)} AS ${quoted(property.name)}`);
  const match = `MATCH (a:${quoted(pair.from)})-[r:${quoted(name)}]->(b:${quoted(pair.to)})`;
  return reading('a', match, [...ends, ...values], `MATCH (a:${quoted(pair.from)})`, rowsPerNode);
}

function reading(variable: string, match: string, values: string[], nodes: string, rowsPerNode: number): Reading {
  const place = `offset(id(${variable}))`;
  const returned = `RETURN ${values.join(', ')}`;
  return {
    placesStatement: `${nodes} RETURN max(${place}) AS last`,
    statement: `${match} ${returned}`,
    partStatement: `${match} WHERE ${place} >= $first AND ${place} < $next ${returned}`,
    rowsPerNode,
  };
}
