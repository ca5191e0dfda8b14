import { join } from 'node:path';
import { duckdbType, storedType } from './duckdb-types';
import { literal, quoted } from './sql-text';
import type { DuckDbSession } from './duckdb-session';
import type { PreparedTable, PrepareTable } from './messages';
import type { PartSource } from './part-source';

export type Prepared = Omit<PreparedTable, 'ignoredColumns'>;

/** Where the keys of the accepted rows of a node table are. */
export interface NodeKeys {
  files: string[];
  /** Keys that the graph has already; the new rows may have some of them again. */
  known: string[];
  column: string;
}

export interface PrepareContext {
  output: string;
  /** Node tables that came before; relationships look their ends up in them. */
  nodes: ReadonlyMap<string, NodeKeys>;
}

/** Writes the typed columns of `from` for the engine; order does not matter to it. */
export async function writeRows(
  session: DuckDbSession,
  table: PrepareTable,
  from: string,
  output: string,
): Promise<string> {
  const path = join(output, `${fileStem(table)}.parquet`);
  // The engine takes ends by position; a property that is read from the same column keeps the name.
  const names = table.columns.map(({ name, role }) => (role === 'from' || role === 'to' ? `end_${role}` : name));
  const columns = names
    .map((name, at) => `cast(c${at} as ${storedType(table.columns[at].type)}) as ${quoted(name)}`)
    .join(', ');
  await session.run(`copy (select ${columns} from (${from})) to ${literal(path)} (format parquet, compression snappy)`);
  return path;
}

/** Names the files of a table, and of a pair of one. */
export function fileStem({ table, pair }: PrepareTable): string {
  return pair === undefined || pair.pairs.length === 1 ? table : `${table}.${pair.from}.${pair.to}`;
}

/** The column of the table that has a role; `c<n>` in a source. */
export function roleColumn(table: PrepareTable, role: 'key' | 'from' | 'to'): string {
  const at = table.columns.findIndex((column) => column.role === role);
  if (at < 0) throw new Error(`Table ${table.table} has no ${role} column`);
  return `c${at}`;
}

/** A SELECT of the keys (`key`) that the ends in a column of a relationship may have. */
export function keysOf(source: PartSource, role: 'from' | 'to', context: PrepareContext): string {
  const { table } = source;
  const node = table[role] ?? '';
  const keys = context.nodes.get(node);
  if (!keys) throw new Error(`Table ${node} is not prepared before ${table.table}`);
  const type = table.columns.find((column) => column.role === role)!.type;
  const read = (files: string[]) =>
    `select ${quoted(keys.column)} as key from read_parquet([${files.map(literal).join(', ')}])`;
  const sources = [keys.files, keys.known].filter((files) => files.length > 0).map(read);
  if (sources.length === 0) return `select cast(null as ${duckdbType(type)}) as key where false`;
  // A key that stood twice would count the rows that point at it twice.
  return sources.join(' union ');
}
