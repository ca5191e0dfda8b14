import { InvalidRequest } from '../common/problem.filter';
import { findType, type GraphSchema, pairsOf, pairsWith, type SaidEnds } from '../schemas/graph-schema';
import type { ColumnMapping } from './duckdb/messages';
import { targetOf } from './duckdb/part-source';
import { targetColumns } from './prepare-plan';
import type { FileOptions } from './staged-file.entity';

/** A mapping as it is kept: names in lower case, since upper and lower case are the same in columns. */
export function toMapping(given: Record<string, string | null>): ColumnMapping {
  const lower = (name: string | null): string | null => name && name.toLowerCase();
  return Object.fromEntries(Object.entries(given).map(([source, target]) => [source.toLowerCase(), lower(target)]));
}

/** Throws {@link InvalidRequest} where a column is mapped to what the table does not have, or two to one. */
export function checkMapping(schema: GraphSchema, table: string, mapping: ColumnMapping = {}): void {
  const known = targetColumns(schema, table).map(targetOf);
  const seen = new Map<string, string>();
  const problems = Object.entries(mapping).flatMap(([source, target]) => {
    if (target === null) return [];
    const other = seen.get(target);
    seen.set(target, source);
    const loc = ['body', 'column_mapping', source];
    if (!known.includes(target)) {
      return [{ loc, msg: `${table} has no "${target}"; it has ${known.join(', ')}`, type: 'unknown_column' }];
    }
    return other === undefined ? [] : [{ loc, msg: `"${other}" is mapped to "${target}" too`, type: 'duplicate' }];
  });
  if (problems.length > 0) throw new InvalidRequest(problems);
}

/** Throws {@link InvalidRequest} where a file says ends that its table cannot have. */
export function checkEnds(schema: GraphSchema, table: string, ends: SaidEnds = {}): void {
  const found = findType(schema, table);
  const said = (['from', 'to'] as const).filter((role) => ends[role] !== undefined);
  if (said.length === 0) return;
  const loc = ['body', `${said[0]}_label`];
  if (found?.kind !== 'relationship') {
    throw new InvalidRequest([{ loc, msg: `${table} is no relationship and has no ends`, type: 'unknown_column' }]);
  }
  if (pairsWith(found.type, ends).length > 0) return;
  const pairs = pairsOf(found.type).map(({ from, to }) => `from ${from} to ${to}`);
  throw new InvalidRequest([{ loc, msg: `${table} leads ${pairs.join(', ')}`, type: 'pair_unknown' }]);
}

/**
 * How a file is read: as it says itself, and else as its table says. What the file maps, a column or what one holds, the
 * table's mapping has nothing to say of.
 */
export function mergeOptions(table: FileOptions, file: FileOptions): FileOptions {
  const own = file.mapping ?? {};
  const taken = new Set(Object.values(own).filter((target) => target !== null));
  const inherited = Object.entries(table.mapping ?? {}).filter(
    ([source, target]) => !(source in own) && !(target !== null && taken.has(target)),
  );
  const csv = { ...table.csv, ...file.csv };
  const mapping = { ...Object.fromEntries(inherited), ...own };
  const ends = { ...table.ends, ...file.ends };
  return {
    ...(Object.keys(csv).length > 0 && { csv }),
    ...(Object.keys(mapping).length > 0 && { mapping }),
    ...(Object.keys(ends).length > 0 && { ends }),
  };
}
