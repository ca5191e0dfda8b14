import { join } from 'node:path';
import type { ExportEnd, GenerationManifest, TableExport, TableLoad } from '../engine/graph-engine';
import type { NodeType } from '../schemas/graph-schema';
import type { ForkSelection } from './fork-selection';
import { ForkMismatch } from './subgraphs.errors';

/** What to write of the parent: nodes first, then each pair of ends of the relationships. */
export function exportsOf({ nodes, relationships }: ForkSelection, directory: string): TableExport[] {
  const ends = new Map(nodes.map(({ type }) => [type.name, endOf(type)]));
  const written = [
    ...nodes.map(({ type, condition }) => ({
      kind: 'node' as const,
      table: type.name,
      columns: type.properties,
      condition,
    })),
    ...relationships.flatMap(({ type, pairs }) =>
      pairs.map(({ from, to }) => ({
        kind: 'relationship' as const,
        table: type.name,
        from: ends.get(from)!,
        to: ends.get(to)!,
        columns: type.properties,
      })),
    ),
  ];
  return written.map((one, at) => ({
    ...one,
    columns: one.columns.map(({ name, type }) => ({ name, type })),
    file: join(directory, `rows-${at}.parquet`),
  }));
}

/** How the files are loaded again. Where a condition leaves nodes behind, so do the relationships that lead to them. */
export function loadsOf({ nodes }: ForkSelection, exports: TableExport[], rows: number[]): TableLoad[] {
  const filtered = new Set(nodes.filter(({ condition }) => condition !== undefined).map(({ type }) => type.name));
  return exports.flatMap((one, at): TableLoad[] => {
    if (rows[at] === 0) return [];
    const load = { table: one.table, files: [one.file], rows: rows[at] };
    if (one.kind === 'node') return [{ ...load, kind: 'node' }];
    const [from, to] = [one.from.table, one.to.table];
    const skipDangling = filtered.has(from) || filtered.has(to);
    return [{ ...load, kind: 'relationship', from, to, skipDangling }];
  });
}

/** The new data must have exactly the rows that were taken; of relationships whose ends were filtered, no more than these. */
export function refuseMismatch(loads: TableLoad[], manifest: GenerationManifest): void {
  const counts = { ...manifest.nodes, ...manifest.relationships };
  for (const [table, found] of Object.entries(counts)) {
    const given = loads.filter((load) => load.table === table);
    const rows = given.reduce((sum, load) => sum + load.rows, 0);
    const least = given.reduce((sum, load) => sum + (load.skipDangling ? 0 : load.rows), 0);
    if (found < least || found > rows) throw new ForkMismatch(table, rows, found);
  }
}

function endOf({ name, primaryKey, properties }: NodeType): ExportEnd {
  const { type } = properties.find((property) => property.name === primaryKey)!;
  return { table: name, key: { name: primaryKey, type } };
}
