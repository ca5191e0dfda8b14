import type { Connection, QueryResult } from '@ladybugdb/core';
import type { TableLoad } from '../graph-engine';
import { HostFailure } from './messages';
import { quoteName, quoteText } from './statement-text';

interface Property {
  name: string;
  /** In the engine's spelling. */
  type: string;
  isKey: boolean;
}

/** The key's column is called so in the statements, the others `c0`, `c1` and so on: no name of a user gets in the way. */
const KEY = 'k';

/**
 * Statements that add the rows of a load to a file that others hold, too: unlike COPY, they touch the log alone. Every
 * column is cast to the type of its property, as COPY does by itself.
 */
export async function appendStatements(connection: Connection, load: TableLoad): Promise<string[]> {
  const properties = await propertiesOf(connection, load.table);
  const statements: string[] = [];
  for (const file of load.files) {
    const columns = await columnsOf(connection, file);
    if (load.kind === 'node') statements.push(...nodeStatements(load, file, columns, properties));
    else statements.push(await relationshipStatement(connection, load, file, columns, properties));
  }
  return statements;
}

/**
 * Nodes that are there get their values, then the others are made. (MERGE would do both at once, but by a scan of the whole
 * table, and it would write each value of a new node twice.)
 */
function nodeStatements(
  { table, upsert }: TableLoad,
  file: string,
  columns: string[],
  properties: Property[],
): string[] {
  const columnOf = upsert ? byName(columns) : byPlace(columns);
  const key = properties.find(({ isKey }) => isKey);
  if (!key) throw new HostFailure('load_failed', `${table} has no key`);
  const others = properties.filter((property) => property !== key);
  const loaded = loadFrom(file, [
    cast(columnOf(key, properties.indexOf(key)), key.type, KEY),
    ...others.map((property, at) => cast(columnOf(property, properties.indexOf(property)), property.type, `c${at}`)),
  ]);
  const found = `MATCH (x:${quoteName(table)} {${quoteName(key.name)}: ${KEY}})`;
  const create = `CREATE (y:${quoteName(table)} ${values(others, [`${quoteName(key.name)}: ${KEY}`])})`;
  if (!upsert) return [`${loaded} ${create}`];
  const names = [KEY, ...others.map((_, at) => `c${at}`)].join(', ');
  const set = others.map(({ name }, at) => `x.${quoteName(name)} = c${at}`).join(', ');
  const made = `${loaded} OPTIONAL ${found} WITH ${names}, x WHERE x IS NULL ${create}`;
  return set === '' ? [made] : [`${loaded} ${found} SET ${set}`, made];
}

/** The ends are matched one after the other, so that both are looked up by their keys: together they would be a product. */
async function relationshipStatement(
  connection: Connection,
  { table, from, to }: TableLoad,
  file: string,
  columns: string[],
  properties: Property[],
): Promise<string> {
  if (from === undefined || to === undefined)
    throw new HostFailure('load_failed', `The ends of ${table} are not named`);
  const [start, end] = [await keyOf(connection, from), await keyOf(connection, to)];
  const columnOf = byPlace(columns.slice(2));
  const loaded = loadFrom(file, [
    cast(columns[0], start.type, 'f'),
    cast(columns[1], end.type, 't'),
    ...properties.map((property, at) => cast(columnOf(property, at), property.type, `c${at}`)),
  ]);
  const rest = ['a', 't', ...properties.map((_, at) => `c${at}`)].join(', ');
  return `${loaded} MATCH (a:${quoteName(from)} {${quoteName(start.name)}: f}) WITH ${rest} MATCH (b:${quoteName(to)} {${quoteName(end.name)}: t}) CREATE (a)-[x:${quoteName(table)} ${values(properties)}]->(b)`;
}

function loadFrom(file: string, columns: string[]): string {
  return `LOAD FROM [${quoteText(file)}] WITH ${columns.join(', ')}`;
}

function cast(column: string, type: string, name: string): string {
  return `cast(${quoteName(column)} AS ${type}) AS ${name}`;
}

function values(properties: Property[], first: string[] = []): string {
  const all = [...first, ...properties.map(({ name }, at) => `${quoteName(name)}: c${at}`)];
  return all.length > 0 ? `{${all.join(', ')}}` : '';
}

type ColumnOf = (property: Property, at: number) => string;

/** COPY takes columns by their places; so does what stands for it. */
function byPlace(columns: string[]): ColumnOf {
  return ({ name }, at) => columns[at] ?? missing(name);
}

function byName(columns: string[]): ColumnOf {
  return ({ name }) => columns.find((column) => column.toLowerCase() === name.toLowerCase()) ?? missing(name);
}

function missing(name: string): never {
  throw new HostFailure('load_failed', `The rows have no column for ${name}`);
}

async function keyOf(connection: Connection, table: string): Promise<Property> {
  const key = (await propertiesOf(connection, table)).find(({ isKey }) => isKey);
  if (!key) throw new HostFailure('load_failed', `${table} has no key`);
  return key;
}

async function propertiesOf(connection: Connection, table: string): Promise<Property[]> {
  const result = await single(connection, `CALL table_info(${quoteText(table)}) RETURN *`);
  try {
    const rows = result.getAllSync() as { name: string; type: string; 'primary key'?: boolean }[];
    return rows.map(({ name, type, 'primary key': isKey = false }) => ({ name, type, isKey }));
  } finally {
    result.close();
  }
}

async function columnsOf(connection: Connection, file: string): Promise<string[]> {
  const result = await single(connection, `LOAD FROM [${quoteText(file)}] RETURN * LIMIT 0`);
  try {
    return await result.getColumnNames();
  } finally {
    result.close();
  }
}

async function single(connection: Connection, statement: string): Promise<QueryResult> {
  return (await connection.query(statement)) as QueryResult;
}
