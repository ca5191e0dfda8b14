import type { PreparedTables } from '../staging/staging.service';
import type { GraphSchema } from '../schemas/graph-schema';
import type { Counts } from './load-plan';
import type { MaterializationPlan } from './materialization-plan';

/**
 * Rows that a graph would have by the rows of its files, before any is checked. Nodes of several files may be the same
 * ones, so of them only the largest file's are certain; what is loaded in the end is checked again by its exact counts.
 */
export function leastContent(schema: GraphSchema, { mode, files }: MaterializationPlan, live: Counts): Counts {
  const before = mode === 'rebuild' ? { nodes: {}, relationships: {} } : live;
  const rows = (table: string): number[] =>
    files.filter(({ tableName }) => tableName === table).map(({ rowCount }) => rowCount ?? 0);
  const nodes = schema.nodes.map(({ name }): [string, number] => [
    name,
    Math.max(before.nodes[name] ?? 0, ...rows(name)),
  ]);
  const relationships = schema.relationships.map(({ name }): [string, number] => [
    name,
    rows(name).reduce((sum, count) => sum + count, before.relationships[name] ?? 0),
  ]);
  return { nodes: Object.fromEntries(nodes), relationships: Object.fromEntries(relationships) };
}

/** Rows that a graph would have after loading what was checked; of nodes at most so many, as some may replace others. */
export function expectedContent({ mode }: MaterializationPlan, checked: PreparedTables | null, live: Counts): Counts {
  const before = mode === 'rebuild' ? { nodes: {}, relationships: {} } : live;
  const content = { nodes: { ...before.nodes }, relationships: { ...before.relationships } };
  for (const { table, kind, rowsLoaded } of checked?.tables ?? []) {
    const counts = kind === 'node' ? content.nodes : content.relationships;
    counts[table] = (counts[table] ?? 0) + rowsLoaded;
  }
  return content;
}
