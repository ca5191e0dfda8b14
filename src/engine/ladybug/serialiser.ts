import type { QueryColumn } from '../graph-engine';
import type { ColumnSource } from './exact-statement';
import { ExactText } from './exact-text';
import { isAbsent, Losses, plain, quote, scalar, type ScalarContext, type Serialise } from './scalar-serialisers';
import { dayTexts, isoInstant } from './time-texts';
import { parseType, type TableTypes, type ValueType } from '../value-types';

interface Context extends ScalarContext {
  tables: TableTypes;
}

function list(item: Serialise): Serialise {
  return (value, exact) => {
    exact?.take('[');
    const items = (value as unknown[]).map((one, index) => {
      if (index > 0) exact?.take(',');
      return isAbsent(one) ? 'null' : item(one, exact);
    });
    exact?.take(']');
    return `[${items.join(',')}]`;
  };
}

/** An object with the fields in the binding's order, which is the order of their declaration and of the text. */
function struct(fieldOf: (name: string) => Serialise): Serialise {
  return (value, exact) => {
    exact?.take('{');
    const parts = Object.entries(value as object).map(([name, field], index) => {
      exact?.take(`${index > 0 ? ', ' : ''}${name}: `);
      return `${quote(name)}:${isAbsent(field) ? 'null' : fieldOf(name)(field, exact)}`;
    });
    exact?.take('}');
    return `{${parts.join(',')}}`;
  };
}

/** The binding's object has keys that are whole numbers first, whatever their order in the map. */
function map(serialise: Serialise, keyText: (key: string) => string): Serialise {
  return (value, exact) => {
    const entries = new Map<string, unknown>(Object.entries(value as object));
    const texts = new Map<string, string>();
    exact?.take('{');
    const left = new Set(entries.keys());
    while (left.size > 0) {
      if (texts.size > 0) exact?.take(', ');
      const [first] = left;
      const key = exact?.takeOneOf(left, '=') ?? first;
      left.delete(key);
      const entry = entries.get(key);
      texts.set(key, isAbsent(entry) ? 'null' : serialise(entry, exact));
    }
    exact?.take('}');
    return `{${[...entries.keys()].map((key) => `${quote(keyText(key))}:${texts.get(key)}`).join(',')}}`;
  };
}

/** By what the value is, where its type is unknown. */
const any: Serialise = (value, exact) => {
  if (isAbsent(value)) return 'null';
  if (Array.isArray(value)) return list(any)(value, exact);
  const isObject = typeof value === 'object' && !(value instanceof Date) && !(value instanceof Uint8Array);
  return (isObject ? struct(() => any) : plain)(value, exact);
};

/** What the engine prints of nodes and relationships before their properties. */
const OWN_TEXTS = ['_SRC: ', '_DST: ', '_LABEL: ', '_ID: ', '_LABEL: '];
const OWN_NAMES = new Set(['_src', '_dst', '_label', '_id']);

/** Nodes and relationships: properties of other labels, which the engine adds as null, are left out. */
function element(context: Context): Serialise {
  const { tables } = context;
  const byLabel = new Map<string, Map<string, Serialise>>();
  const propertiesOf = (label: string): Map<string, Serialise> => {
    let known = byLabel.get(label);
    if (!known) {
      known = new Map([...(tables.get(label) ?? [])].map(([name, type]) => [name, build(type, context)]));
      byLabel.set(label, known);
    }
    return known;
  };
  return (value, exact) => {
    const properties = propertiesOf((value as { _label?: string | null })._label ?? '');
    const parts: string[] = [];
    let separator = '';
    exact?.take('{');
    for (const own of OWN_TEXTS) {
      if (!exact?.takeIf(separator + own)) continue;
      exact.token();
      separator = ', ';
    }
    for (const [name, property] of Object.entries(value as object)) {
      const own = OWN_NAMES.has(name);
      const serialise = own || properties.size === 0 ? any : properties.get(name);
      if (!serialise) continue;
      if (!own && !isAbsent(property)) {
        exact?.take(`${separator}${name}: `);
        separator = ', ';
      }
      const text = isAbsent(property) ? 'null' : serialise(property, own ? undefined : exact);
      parts.push(`${quote(name)}:${text}`);
    }
    exact?.take('}');
    return `{${parts.join(',')}}`;
  };
}

function path(context: Context): Serialise {
  const elements = list(element(context));
  return (value, exact) => {
    const { _nodes, _rels } = value as { _nodes: unknown[]; _rels: unknown[] };
    exact?.take('{_NODES: ');
    const nodes = elements(_nodes, exact);
    exact?.take(', _RELS: ');
    const relationships = elements(_rels, exact);
    exact?.take('}');
    return `{"_nodes":${nodes},"_rels":${relationships}}`;
  };
}

/** `{"<name of the member>": value}`. Only the text of a column says which member it is, and none inside of a value. */
function union(members: [string, ValueType][], context: Context): Serialise {
  const serialisers = new Map(members.map(([name, type]) => [name, build(type, context)]));
  return (value, exact) => {
    const name = exact?.fresh ? exact.takeOneOf(serialisers.keys(), ':') : undefined;
    if (name === undefined) {
      context.losses.seen = true;
      return 'null';
    }
    return `{${quote(name)}:${(serialisers.get(name) as Serialise)(value, exact)}}`;
  };
}

function build(type: ValueType, context: Context): Serialise {
  switch (type.kind) {
    case 'scalar':
      return scalar(type.name, type.scale, context) ?? any;
    case 'list':
      return list(build(type.item, context));
    case 'struct': {
      const fields = new Map(type.fields.map(([name, field]) => [name, build(field, context)]));
      return struct((name) => fields.get(name) ?? any);
    }
    case 'map': {
      const keyed = type.key.kind === 'scalar' && type.key.name.startsWith('TIMESTAMP');
      return map(build(type.value, context), keyed ? isoInstant : String);
    }
    case 'union':
      return union(type.members, context);
    case 'element':
      return element(context);
    case 'path':
      return path(context);
  }
}

/** The serialiser of a type from its name as the engine prints it, such as `STRUCT(a INT64, b DATE[])`. */
export function serialiserOf(type: string, more: Partial<Context> = {}): Serialise {
  return build(parseType(type), {
    tables: new Map(),
    losses: new Losses(),
    textOf: dayTexts(),
    ...more,
  });
}

export interface RowShape {
  columns: QueryColumn[];
  tables: TableTypes;
  losses: Losses;
  /** Where in a row the values of the columns are. */
  sources: ColumnSource[];
}

/** Makes one function that turns a row of the binding into the text of a JSON object, fields in the columns' order. */
export function rowSerialiser(shape: RowShape): (row: Record<string, unknown>) => string {
  const { columns, sources, ...context } = shape;
  const fields = columns.map(({ name, type }, column) => ({
    ...sources[column],
    key: `${JSON.stringify(name)}:`,
    serialise: serialiserOf(type, context),
  }));
  return (row) => {
    let text = '{';
    let separator = '';
    for (const { plain, exact, key, serialise } of fields) {
      const value = row[plain];
      const whole = exact === undefined || isAbsent(row[exact]) ? undefined : new ExactText(row[exact] as string);
      text += separator + key;
      text += isAbsent(value) ? 'null' : serialise(value, whole);
      if (!isAbsent(value) && whole?.whole === false) context.losses.seen = true;
      separator = ',';
    }
    return `${text}}`;
  };
}
