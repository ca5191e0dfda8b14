import type { GenerationManifest, TableLoad } from '../engine/graph-engine';
import type { GraphSchema } from '../schemas/graph-schema';
import type { PreparedTables } from '../staging/staging.service';
import { LoadMismatch, RowsRejected, TableWhollyRejected } from './materialization.errors';

/** What to load in which order: nodes first, since relationships need both of their ends. */
export function loadsOf(schema: GraphSchema, prepared: PreparedTables): TableLoad[] {
  const ends = new Map(schema.relationships.map(({ name, from, to }) => [name, { from, to }]));
  return prepared.tables
    .filter((table) => table.rowsLoaded > 0)
    .map((table) => ({
      table: table.table,
      kind: table.kind,
      ...ends.get(table.table),
      files: table.files,
      rows: table.rowsLoaded,
    }))
    .sort((a, b) => Number(a.kind === 'relationship') - Number(b.kind === 'relationship'));
}

/** Turns rejects into the failure that they are: any one without `ignoreErrors`, a table without a good row always. */
export function refuseBadTables({ tables, samples }: PreparedTables, ignoreErrors: boolean): void {
  const bad = tables.filter((table) => table.rowsRejected > 0);
  const report = bad.map(({ table, rowsLoaded, rowsRejected, reasons }) => ({
    table_name: table,
    rows_loaded: rowsLoaded,
    rows_rejected: rowsRejected,
    reasons,
  }));
  const wholly = bad.find((table) => table.rowsLoaded === 0);
  if (wholly !== undefined) throw new TableWhollyRejected(wholly.table, report, samples);
  const rejected = bad.reduce((sum, table) => sum + table.rowsRejected, 0);
  if (rejected > 0 && !ignoreErrors) throw new RowsRejected(rejected, report, samples);
}

/** The engine must have exactly the rows that it was given. */
export function refuseMismatch(prepared: PreparedTables, manifest: GenerationManifest): void {
  for (const { table, rowsLoaded, kind } of prepared.tables) {
    const found = (kind === 'node' ? manifest.nodes : manifest.relationships)[table] ?? 0;
    if (found !== rowsLoaded) throw new LoadMismatch(table, rowsLoaded, found);
  }
}
