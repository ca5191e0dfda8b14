import type { TableTypes, ValueType } from '../value-types';

/** Types whose values the binding always cuts (fractions of a millisecond, months of an interval). */
const ALWAYS_CUT = new Set(['TIMESTAMP', 'TIMESTAMP_TZ', 'TIMESTAMP_NS', 'INTERVAL']);
/** Types whose large values the binding rounds. */
const ROUNDED_WHEN_LARGE = new Set(['INT64', 'UINT64', 'SERIAL', 'DECIMAL']);

/** Whether values of a type may come out of the binding with less than they had. */
export function mayLose(type: ValueType, tables: TableTypes): boolean {
  switch (type.kind) {
    case 'scalar':
      return ALWAYS_CUT.has(type.name) || ROUNDED_WHEN_LARGE.has(type.name);
    case 'list':
      return mayLose(type.item, tables);
    case 'struct':
      return type.fields.some(([, field]) => mayLose(field, tables));
    case 'map':
      return mayLose(type.value, tables);
    case 'union':
      return true;
    case 'element':
    case 'path':
      return [...tables.values()].some((table) => [...table.values()].some((property) => mayLose(property, tables)));
  }
}

/**
 * An expression of the engine's language for the exact value of `expression`, as the text that `ExactText` reads.
 * Undefined where nothing can be lost.
 *
 * It is one text, whatever the value is, and no struct or list of texts. Statements that are DISTINCT or have aggregates
 * group by it, and LadybugDB 0.19.1 groups structs that are NULL by what is left over in them (some such statements end its
 * process). Its `list_transform` gives items of other rows where a batch has more than 2,048, and casting a list of
 * decimals crashes it. Texts of equal values are equal, however many there are.
 */
export function exactExpression(expression: string, type: ValueType, tables: TableTypes): string | undefined {
  if (!mayLose(type, tables)) return undefined;
  const text = `cast(${expression} AS STRING)`;
  // The text of a union does not say which member it is.
  return type.kind === 'union' ? `concat(union_tag(${expression}), ':', coalesce(${text}, ''))` : text;
}
