import { type EndPair, findType, type GraphSchema, pairsOf } from './graph-schema';
import type { StagedTable } from './schemas.repository';

export interface StagedEffects {
  /** What happens to files that are staged, in words. */
  notes: string[];
  /** Why the graph does not hold what is staged any more; null where it holds as much as before. */
  stale: string | null;
}

/** What of a schema's types, properties and pairs another one still has, each as it was: nobody's rows have the rest any more. */
export function partOf(schema: GraphSchema, target: GraphSchema): GraphSchema {
  const kept = <T extends GraphSchema['nodes'][number] | GraphSchema['relationships'][number]>(types: T[]): T[] =>
    types.flatMap((type) => {
      const found = findType(target, type.name);
      if (found === undefined) return [];
      const names = found.type.properties.map(({ name }) => name);
      return [{ ...type, properties: type.properties.filter(({ name }) => names.includes(name)) }];
    });
  const relationships = kept(schema.relationships).map((type) => {
    const still = namesOfPairs(target, type.name);
    return { ...type, pairs: pairsOf(type).filter((pair) => still.includes(nameOf(pair))) };
  });
  return { ...schema, nodes: kept(schema.nodes), relationships };
}

function nameOf({ from, to }: EndPair): string {
  return `${from} to ${to}`;
}

/** Of a relationship type; none where the schema has no such one. */
function namesOfPairs(schema: GraphSchema, table: string): string[] {
  const found = findType(schema, table);
  return found?.kind === 'relationship' ? pairsOf(found.type).map(nameOf) : [];
}

/** What a type asks less for than it did, so that rows may be right that were not; undefined where nothing. */
function laxer(current: GraphSchema, target: GraphSchema, table: string): string | undefined {
  const [before, after] = [findType(current, table), findType(target, table)];
  if (before === undefined || after === undefined) return undefined;
  const required = before.type.properties.filter((property) => property.required).map(({ name }) => name);
  const free = after.type.properties.filter(({ name, required: still }) => !still && required.includes(name));
  if (free.length > 0) return `${free.map(({ name }) => name).join(', ')} of ${table} is not required any more`;
  const more = newPairs(current, target, table);
  return more.length > 0 ? `${table} may lead from ${more.join(', ')}` : undefined;
}

function newPairs(current: GraphSchema, target: GraphSchema, table: string): string[] {
  const old = namesOfPairs(current, table);
  return namesOfPairs(target, table).filter((pair) => !old.includes(pair));
}

/**
 * What a new schema means for staged files. They stay as they are: what the schema has no place for is not loaded, and
 * what it has a new place for gets into the graph with the next materialization. `rejected`: tables of which it refused rows;
 * `earlier`: the schemas that the graph had, since relationships of a pair that comes back went with it.
 */
export function stagedEffects(
  current: GraphSchema,
  target: GraphSchema,
  staged: StagedTable[],
  { rejected, earlier }: { rejected: string[]; earlier: GraphSchema[] },
): StagedEffects {
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
      const why = rejected.includes(table) ? laxer(current, target, table) : undefined;
      if (why !== undefined) stale.push(`rows of ${table} that were rejected may be right, since ${why}`);
      const back = newPairs(current, target, table).filter((pair) =>
        earlier.some((schema) => namesOfPairs(schema, table).includes(pair)),
      );
      if (back.length > 0) stale.push(`${table} may lead from ${back.join(', ')} again`);
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
