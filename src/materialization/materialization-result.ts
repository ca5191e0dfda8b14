import type { GenerationManifest } from '../engine/graph-engine';
import type { PreparedTables } from '../staging/staging.service';
import type { Counts } from './load-plan';
import type { LoadedTable } from './materializations.repository';

/** The result of a materialization, as its operation keeps it. */
export function resultOf(
  graphId: string,
  operationId: string,
  generation: number,
  { prepared, manifest, base }: { prepared: PreparedTables; manifest: GenerationManifest; base: Counts },
): { rows_loaded: number; rows_rejected: number } {
  const sum = (of: 'rowsLoaded' | 'rowsRejected' | 'rowsReplaced'): number =>
    prepared.tables.reduce((total, table) => total + table[of], 0);
  const [loaded, rejected] = [sum('rowsLoaded'), sum('rowsRejected')];
  const result = {
    graph_id: graphId,
    generation,
    rows_loaded: loaded,
    rows_rejected: rejected,
    rows_replaced: sum('rowsReplaced'),
    // The same once more in the words that the published client reads.
    total_rows: loaded,
    tables_materialized: prepared.tables.filter((table) => table.rowsLoaded > 0).map((table) => table.table),
    message: `${loaded} rows were loaded, ${rejected} were rejected`,
    tables: prepared.tables.map((table, at) => {
      const counts = table.kind === 'node' ? 'nodes' : 'relationships';
      const total = manifest[counts][table.table] ?? 0;
      return {
        ...tableResults(prepared)[at],
        rows_before: base[counts][table.table] ?? 0,
        rows_in_graph: total,
        reasons: table.reasons,
        ignored_columns: table.ignoredColumns,
      };
    }),
    rejected_samples: prepared.samples,
    ...(rejected > 0 && { _links: linksOf(graphId, operationId) }),
    database_size_bytes: manifest.bytes,
    sha256: manifest.sha256,
  };
  return result;
}

/** Where the rows are that an operation rejected. */
export function linksOf(graphId: string, operationId: string): { rejects: string; rejects_download: string } {
  const rejects = `/v1/graphs/${graphId}/materializations/${operationId}/rejects`;
  return { rejects, rejects_download: `${rejects}/download` };
}

export function tableResults({ tables }: PreparedTables): LoadedTable[] {
  return tables.map(({ table, rowsLoaded, rowsRejected, rowsReplaced }) => ({
    table_name: table,
    rows_loaded: rowsLoaded,
    rows_rejected: rowsRejected,
    rows_replaced: rowsReplaced,
  }));
}
