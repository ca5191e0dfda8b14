import { NODE, propertyKey, RELATIONSHIP, type ElementKind, type TableTypes, type ValueType } from '../value-types';

/** Types whose values the binding always cuts (fractions of a millisecond, months of an interval, tags of unions). */
const ALWAYS_CUT = new Set(['TIMESTAMP', 'TIMESTAMP_TZ', 'TIMESTAMP_NS', 'INTERVAL']);
/** Types whose large values the binding rounds. */
const ROUNDED_WHEN_LARGE = new Set(['INT64', 'UINT64', 'SERIAL', 'DECIMAL']);

/** What of the values of a column must be known to write an expression for it. */
export interface ElementProperties {
  tables: TableTypes;
  /** The properties that nodes and relationships of this column have; see `propertyKey`. */
  names: ReadonlySet<string>;
}

/** Whether values of a type may come out of the binding with less than they had. */
export function mayLose(type: ValueType, properties: ElementProperties): boolean {
  switch (type.kind) {
    case 'scalar':
      return ALWAYS_CUT.has(type.name) || ROUNDED_WHEN_LARGE.has(type.name);
    case 'list':
      return mayLose(type.item, properties);
    case 'struct':
      return type.fields.some(([, field]) => mayLose(field, properties));
    case 'map':
      return mayLose(type.value, properties);
    case 'union':
      return true;
    case 'element':
      return losingProperties(type.of, properties).length > 0;
    case 'path':
      return mayLose(NODE, properties) || mayLose(RELATIONSHIP, properties);
  }
}

/**
 * An expression of the engine's language for the exact value of `expression`, in the same shape as the binding's value
 * but with text where it would lose something. Undefined where nothing can be lost or the engine has no words for it.
 */
export function exactExpression(
  expression: string,
  type: ValueType,
  properties: ElementProperties,
): string | undefined {
  if (!mayLose(type, properties)) return undefined;
  const target = castTarget(type);
  if (target !== undefined) return `cast(${expression} AS ${target})`;
  switch (type.kind) {
    case 'element':
      return elementExpression(expression, type.of, properties);
    case 'path':
      return pathExpression(expression, properties);
    case 'list':
      return listExpression(expression, type.item, properties);
    case 'map': {
      const values = listExpression(`map_values(${expression})`, type.value, properties);
      return values && `map(cast(map_keys(${expression}) AS STRING[]), ${values})`;
    }
    case 'struct':
      return structExpression(expression, type.fields, properties);
    case 'union':
      return unionExpression(expression, type.members, properties);
    case 'scalar':
      return undefined;
  }
}

/** Properties of a column's elements that may lose something, with their types. */
export function losingProperties(of: ElementKind, { tables, names }: ElementProperties): [string, ValueType][] {
  const found = new Map<string, ValueType>();
  for (const table of tables.values()) {
    for (const [name, type] of table) {
      if (names.has(propertyKey(of, name)) && mayLose(type, { tables, names: new Set() })) found.set(name, type);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Fields `p0`, `p1` and so on, in the order of {@link losingProperties}. */
function elementExpression(expression: string, of: ElementKind, properties: ElementProperties): string | undefined {
  const fields = losingProperties(of, properties).map(([name, type], index) => {
    const exact = exactExpression(`${expression}.${quoteName(name)}`, type, properties);
    return exact === undefined ? undefined : `p${index}: ${exact}`;
  });
  return fields.includes(undefined) ? undefined : `{${fields.join(', ')}}`;
}

/** Only what may lose something: `n` for nodes, `r` for relationships. */
function pathExpression(expression: string, properties: ElementProperties): string | undefined {
  const parts = (
    [
      ['n', NODE, 'nodes'],
      ['r', RELATIONSHIP, 'rels'],
    ] as const
  )
    .filter(([, type]) => mayLose(type, properties))
    .map(([field, type, list]) => {
      const exact = listExpression(`${list}(${expression})`, type, properties);
      return exact && `${field}: ${exact}`;
    });
  return parts.includes(undefined) ? undefined : `{${parts.join(', ')}}`;
}

function listExpression(expression: string, item: ValueType, properties: ElementProperties): string | undefined {
  // A list inside a list needs a variable of its own.
  const level = Number(/gs_item_(\d+)/.exec(expression)?.[1] ?? 0) + 1;
  const exact = exactExpression(`gs_item_${level}`, item, properties);
  return exact === undefined ? undefined : `list_transform(${expression}, gs_item_${level} -> ${exact})`;
}

/** Only the fields that may lose something. */
function structExpression(
  expression: string,
  fields: [string, ValueType][],
  properties: ElementProperties,
): string | undefined {
  const parts = fields
    .filter(([, type]) => mayLose(type, properties))
    .map(([name, type]) => {
      const exact = exactExpression(`${expression}.${quoteName(name)}`, type, properties);
      return exact && `${quoteName(name)}: ${exact}`;
    });
  return parts.includes(undefined) ? undefined : `{${parts.join(', ')}}`;
}

function unionExpression(
  expression: string,
  members: [string, ValueType][],
  properties: ElementProperties,
): string | undefined {
  const fields = members.map(([name, type], index) => {
    const member = `union_extract(${expression}, '${name.replace(/[\\']/g, '\\$&')}')`;
    return `m${index}: ${exactExpression(member, type, properties) ?? member}`;
  });
  return `{tag: union_tag(${expression}), ${fields.join(', ')}}`;
}

/** The type with text in place of all that may lose something; undefined where the engine has no cast to it. */
function castTarget(type: ValueType): string | undefined {
  switch (type.kind) {
    case 'scalar':
      if (ALWAYS_CUT.has(type.name) || ROUNDED_WHEN_LARGE.has(type.name)) return 'STRING';
      return type.name;
    case 'list': {
      // LadybugDB 0.19.1 crashes on casting a list or a map of decimals.
      if (type.item.kind === 'scalar' && type.item.name === 'DECIMAL') return undefined;
      const item = castTarget(type.item);
      return item === undefined ? undefined : item + type.suffix;
    }
    case 'map': {
      if (type.value.kind === 'scalar' && type.value.name === 'DECIMAL') return undefined;
      const value = castTarget(type.value);
      return value === undefined ? undefined : `MAP(STRING, ${value})`;
    }
    case 'struct': {
      const fields = type.fields.map(([name, field]) => {
        const target = castTarget(field);
        // The engine's grammar has no quoted names inside a type.
        return target !== undefined && /^[A-Za-z_]\w*$/.test(name) ? `${name} ${target}` : undefined;
      });
      return fields.includes(undefined) ? undefined : `STRUCT(${fields.join(', ')})`;
    }
    case 'element':
    case 'path':
    case 'union':
      return undefined;
  }
}

export function quoteName(name: string): string {
  return `\`${name.replace(/`/g, '``')}\``;
}
