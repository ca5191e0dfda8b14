import type { GenerationManifest, KeyExport, TableLoad } from '../engine/graph-engine';
import { findType, type GraphSchema, pairsOf } from '../schemas/graph-schema';
import { describeColumns } from '../staging/duckdb/column-problems';
import type { PreparedTables } from '../staging/staging.service';
import { ColumnsUnknown, LoadMismatch, RowsRejected, TableWhollyRejected } from './materialization.errors';

/** Rows by table: what a generation that others build upon has. */
export type Counts = Pick<GenerationManifest, 'nodes' | 'relationships'>;

export const NO_ROWS: Counts = { nodes: {}, relationships: {} };

/**
 * What to load in which order: nodes first, since relationships need both of their ends. Nodes of a table that has some
 * in the base replace those with the same key.
 */
export function loadsOf(schema: GraphSchema, prepared: PreparedTables, base: Counts = NO_ROWS): TableLoad[] {
  const ends = new Map(schema.relationships.map(({ name, from, to }) => [name, { from, to }]));
  return prepared.tables
    .filter((table) => table.rowsLoaded > 0)
    .flatMap(({ pairs, ...table }) =>
      pairs === undefined
        ? [{ ...table, ...ends.get(table.table), rows: table.rowsLoaded }]
        : pairs.filter(({ rows }) => rows > 0).map((pair) => ({ ...table, ...pair })),
    )
    .map(({ table: name, kind, from, to, files, rows }) => ({
      table: name,
      kind,
      from,
      to,
      files,
      rows,
      ...((base.nodes[name] ?? 0) > 0 && { upsert: true }),
    }))
    .sort((a, b) => Number(a.kind === 'relationship') - Number(b.kind === 'relationship'));
}

/** The keys in the base that the ends of these relationship tables may point at, to be written below a directory. */
export function keysOf(schema: GraphSchema, tables: Iterable<string>, base: Counts, directory: string): KeyExport[] {
  const ends = new Set<string>();
  for (const table of tables) {
    const found = findType(schema, table);
    if (found?.kind === 'relationship') pairsOf(found.type).forEach(({ from, to }) => ends.add(from).add(to));
  }
  return schema.nodes
    .filter(({ name }) => ends.has(name) && (base.nodes[name] ?? 0) > 0)
    .map(({ name, primaryKey }) => ({ table: name, key: primaryKey, file: `${directory}/${name}.parquet` }));
}

/**
 * Turns rejects into the failure that they are: any one, and any column that the schema does not know, without
 * `ignoreErrors`; a table without a good row always.
 */
export function refuseBadTables(
  { tables, samples, unknownColumns }: PreparedTables,
  ignoreErrors: boolean,
  links: object,
): void {
  const bad = tables.filter((table) => table.rowsRejected > 0);
  const report = bad.map(({ table, rowsLoaded, rowsRejected, reasons }) => ({
    table_name: table,
    rows_loaded: rowsLoaded,
    rows_rejected: rowsRejected,
    reasons,
  }));
  const wholly = bad.find((table) => table.rowsLoaded === 0);
  if (wholly !== undefined) throw new TableWhollyRejected(wholly.table, report, samples, links);
  const rejected = bad.reduce((sum, table) => sum + table.rowsRejected, 0);
  if (ignoreErrors) return;
  const unknown =
    unknownColumns.length > 0
      ? describeColumns('There are columns that the schema does not know', unknownColumns)
      : undefined;
  if (rejected > 0) throw new RowsRejected(rejected, report, samples, links, unknown);
  if (unknown !== undefined) throw new ColumnsUnknown(unknown);
}

/**
 * The engine must have exactly the rows that it was given beside those of the base. Of nodes that were loaded into a table
 * that has some, each may be a new one or replace one.
 */
export function refuseMismatch(prepared: PreparedTables, manifest: Counts, base: Counts = NO_ROWS): void {
  for (const { table, rowsLoaded, kind } of prepared.tables) {
    const which = kind === 'node' ? 'nodes' : 'relationships';
    const before = base[which][table] ?? 0;
    const found = manifest[which][table] ?? 0;
    const least = kind === 'node' ? Math.max(before, rowsLoaded) : before + rowsLoaded;
    if (found < least || found > before + rowsLoaded) throw new LoadMismatch(table, before + rowsLoaded, found);
  }
}
