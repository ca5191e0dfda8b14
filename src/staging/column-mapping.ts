import { InvalidRequest } from '../common/problem.filter';
import type { GraphSchema } from '../schemas/graph-schema';
import type { ColumnMapping } from './duckdb/messages';
import { targetOf } from './duckdb/part-source';
import { targetColumns } from './prepare-plan';

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
