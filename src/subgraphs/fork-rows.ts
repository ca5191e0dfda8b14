import { join } from 'node:path';
import type { ExportEnd, GenerationManifest, RelationshipExport, TableExport, TableLoad } from '../engine/graph-engine';
import type { NodeType } from '../schemas/graph-schema';
import type { ForkSelection } from './fork-selection';
import { ForkMismatch } from './subgraphs.errors';

/** Types of keys that are the same in a file as in the graph. */
const FOUND_BY_KEY = /^(STRING|INT(8|16|32|64)|SERIAL)$/;

/** What to write of the parent: nodes first, then each pair of ends of the relationships. */
export function exportsOf({ nodes, relationships }: ForkSelection, directory: string): TableExport[] {
  const ends = new Map(nodes.map(({ type }) => [type.name, endOf(type)]));
  const fileOf = (at: number): string => join(directory, `rows-${at}.parquet`);
  const keysOf = new Map(
    nodes.flatMap(({ type, condition }, at) => {
      const column = type.properties.findIndex(({ name }) => name === type.primaryKey);
      const found = condition !== undefined && FOUND_BY_KEY.test(type.properties[column].type);
      return found ? [[type.name, { file: fileOf(at), column }] as const] : [];
    }),
  );
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
        only: onlyOf(keysOf, from, to),
      })),
    ),
  ];
  return written.map((one, at) => ({
    ...one,
    columns: one.columns.map(({ name, type }) => ({ name, type })),
    file: fileOf(at),
  }));
}

/** Of two ends that have a condition one is enough; the other one's relationships are left out when they are loaded. */
function onlyOf(
  keys: ReadonlyMap<string, { file: string; column: number }>,
  from: string,
  to: string,
): RelationshipExport['only'] {
  const end = keys.has(from) ? 'from' : 'to';
  const chosen = keys.get(end === 'from' ? from : to);
  return chosen && { end, ...chosen };
}

/** How the files are loaded again. Where a condition leaves nodes behind, so do the relationships that lead to them. */
export function loadsOf({ nodes }: ForkSelection, exports: TableExport[], rows: number[]): TableLoad[] {
  const filtered = new Set(nodes.filter(({ condition }) => condition !== undefined).map(({ type }) => type.name));
  return exports.flatMap((one, at): TableLoad[] => {
    if (rows[at] === 0) return [];
    const load = { table: one.table, files: [one.file], rows: rows[at] };
    if (one.kind === 'node') return [{ ...load, kind: 'node' }];
    const [from, to] = [one.from.table, one.to.table];
    const left = [from, to].filter((_, side) => one.only?.end !== (side === 0 ? 'from' : 'to'));
    const skipDangling = left.some((end) => filtered.has(end));
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
