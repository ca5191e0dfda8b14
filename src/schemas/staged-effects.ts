import type { GraphSchema } from './graph-schema';
import type { StagedTable } from './schemas.repository';

export interface StagedEffects {
  /** What happens to files that are staged, in words. */
  notes: string[];
  /** Why the graph does not hold what is staged any more; null where it holds as much as before. */
  stale: string | null;
}

/**
 * What a new schema means for staged files. They stay as they are: what the schema has no place for is not loaded, and
 * what it has a new place for gets into the graph with the next materialization.
 */
export function stagedEffects(current: GraphSchema, target: GraphSchema, staged: StagedTable[]): StagedEffects {
  const notes: string[] = [];
  const stale: string[] = [];
  const columnsOf = (schema: GraphSchema, table: string): string[] | undefined =>
    [...schema.nodes, ...schema.relationships]
      .find(({ name }) => name === table)
      ?.properties.map(({ name }) => name.toLowerCase());
  for (const { table, files, columns } of staged) {
    const [before, after] = [columnsOf(current, table), columnsOf(target, table)];
    const count = `${files} staged ${files === 1 ? 'file' : 'files'} of ${table}`;
    if (after === undefined) {
      if (before !== undefined)
        notes.push(
          `${count} will stay and not be loaded while the schema has no ${table}: delete them, or add it again`,
        );
    } else if (before === undefined) {
      stale.push(`${table} is new in the schema and has staged files`);
    } else {
      const gained = columns.filter((column) => after.includes(column) && !before.includes(column));
      const lost = columns.filter((column) => before.includes(column) && !after.includes(column));
      if (gained.length > 0) stale.push(`staged files of ${table} have the new ${gained.join(', ')}`);
      if (lost.length > 0)
        notes.push(
          `${count} will still have ${lost.join(', ')}: loads leave it out, or refuse it without ignore_errors`,
        );
    }
  }
  if (stale.length === 0) return { notes, stale: null };
  const reason = `The schema changed: ${stale.join('; ')}`;
  return { notes: [...notes, `${reason}. Materialize to load it`], stale: reason };
}
