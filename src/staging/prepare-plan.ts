import {
  type EndPair,
  findType,
  type GraphSchema,
  keyType,
  type NodeType,
  pairsOf,
  type Property,
  type PropertyType,
  type RelationshipType,
} from '../schemas/graph-schema';
import { LABEL_COLUMNS } from '../schemas/parse-schema';
import { leavesOf, parseType, type TypeTree } from '../schemas/property-types';
import type { ColumnMapping, PairRows, PrepareTable, TargetColumn } from './duckdb/messages';
import { targetOf } from './duckdb/part-source';

/** Where the ends of a relationship are looked for when its type does not say. */
const END_COLUMNS = { from: ['from', 'src', 'source'], to: ['to', 'dst', 'target'] };

/** The names of all staging tables: one for each type. */
export function tableNames(schema: GraphSchema): string[] {
  return [...schema.nodes, ...schema.relationships].map(({ name }) => name);
}

/** The columns of a type's table in the order that the engine wants, and where a file may have them. */
export function targetColumns(schema: GraphSchema, table: string): TargetColumn[] {
  const found = findType(schema, table);
  if (!found) throw new Error(`The schema has no type ${table}`);
  if (found.kind === 'node') {
    const { primaryKey, properties } = found.type;
    return properties.map((property) =>
      property.name === primaryKey
        ? { ...toColumn(property), role: 'key' as const, required: true }
        : toColumn(property),
    );
  }
  const { type } = found;
  const labels = type.pairs === undefined ? [] : [labelOf(type, 'from') ?? [], labelOf(type, 'to') ?? []].flat();
  return [end(schema, type, 'from'), end(schema, type, 'to'), ...labels, ...type.properties.map(toColumn)];
}

/** Types by lower-case column name, for reading text of the table. */
export function columnTypes(
  schema: GraphSchema,
  table: string,
  mapping: ColumnMapping = {},
): Record<string, PropertyType> {
  const types: Record<string, PropertyType> = {};
  const targets = targetColumns(schema, table);
  for (const [source, target] of Object.entries(mapping)) {
    const found = targets.find((column) => targetOf(column) === target);
    if (found) types[source] = readAs(found.type);
  }
  for (const { type, sources } of targets) {
    for (const source of sources) if (!(source in mapping)) types[source] ??= readAs(type);
  }
  return types;
}

/** A Parquet part cannot hold integers of 128 bits, nor every interval: they stay text until they are loaded. */
function readAs(type: PropertyType): PropertyType {
  const isText = (leaf: TypeTree): boolean => leaf.kind === 'scalar' && ['INT128', 'INTERVAL'].includes(leaf.name);
  return leavesOf(parseType(type)).some(isText) ? 'STRING' : type;
}

/** All tables of a schema, nodes first, still without parts. */
export function preparePlan(schema: GraphSchema): PrepareTable[] {
  const node = ({ name }: NodeType): PrepareTable => ({
    table: name,
    kind: 'node',
    columns: targetColumns(schema, name),
    parts: [],
  });
  const relationship = ({ name, from, to }: RelationshipType): PrepareTable => ({
    table: name,
    kind: 'relationship',
    columns: targetColumns(schema, name),
    from,
    to,
    parts: [],
  });
  return [...schema.nodes.map(node), ...schema.relationships.map(relationship)];
}

/** What is prepared of a table: itself, or each pair of node types on its own, since their keys may be of other types. */
export function preparedPairs(schema: GraphSchema, table: PrepareTable): PrepareTable[] {
  const found = findType(schema, table.table);
  if (found?.kind !== 'relationship') return [table];
  const { type } = found;
  const pairs = pairsOf(type);
  const labels = { fromLabel: labelOf(type, 'from'), toLabel: labelOf(type, 'to') };
  return pairs.map((ends, at): PrepareTable => {
    const pair: PairRows = { ...ends, ...labels, pairs, judges: at === 0 };
    const columns = [end(schema, type, 'from', ends), end(schema, type, 'to', ends), ...type.properties.map(toColumn)];
    return { ...table, ...ends, columns, pair };
  });
}

/** The column that names the node type at an end; none where a property has its name, which the only pair allows. */
function labelOf({ properties }: RelationshipType, role: 'from' | 'to'): TargetColumn | undefined {
  const name = LABEL_COLUMNS[role];
  if (properties.some((property) => property.name.toLowerCase() === name)) return undefined;
  return { name, type: 'STRING', role: 'label', required: false, sources: [name] };
}

function toColumn({ name, type, required, default: value }: Property): TargetColumn {
  const filled = value === undefined ? { required } : { required: false, default: value };
  return { name, type, role: 'property', ...filled, sources: [name.toLowerCase()] };
}

/** Of all pairs together: text, where their keys have not one type. */
function end(schema: GraphSchema, relationship: RelationshipType, role: 'from' | 'to', pair?: EndPair): TargetColumn {
  const types = (pair ? [pair] : pairsOf(relationship)).map((ends) => keyType(schema, ends[role]));
  const type = types.every((one) => one === types[0]) ? types[0] : 'STRING';
  const named = role === 'from' ? relationship.fromColumn : relationship.toColumn;
  // A property of the same name wins over a guess, never over what the schema says.
  const properties = relationship.properties.map(({ name }) => name.toLowerCase());
  const guesses = END_COLUMNS[role].filter((guess) => !properties.includes(guess));
  const sources = named === undefined ? guesses : [named.toLowerCase()];
  return { name: named ?? guesses[0] ?? role, type, role, required: true, sources };
}
