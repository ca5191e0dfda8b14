import type { QueryColumn } from '../graph-engine';
import { losingProperties } from './exact-expressions';
import type { ColumnSource } from './exact-statement';
import { dateText, dayTexts, instantText, isoInterval, isoInstant } from './time-texts';
import { parseType, propertyKey, type ElementKind, type TableTypes, type ValueType } from '../value-types';

/**
 * Turns one value of the engine's binding into JSON text. `exact` is the same value as an exact expression gave it
 * (`exact-expressions.ts`): in the same shape, with text where the binding's value may have lost something.
 */
export type Serialise = (value: unknown, exact?: unknown) => string;

/** Notes whether any value was written that the binding had rounded or cut. */
export class Losses {
  seen = false;
}

interface Context {
  tables: TableTypes;
  losses: Losses;
  /** The properties (`propertyKey`) that the elements of a column have. Without exact values they are noted here. */
  names: Set<string>;
  exact: boolean;
  textOf: (day: number) => string;
}

// eslint-disable-next-line no-control-regex -- JSON demands that control characters are escaped
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
/** Up to here a double tells a decimal number's last digit. */
const LARGEST_SURE_DECIMAL = 2 ** 52;

function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** Non-finite numbers have no JSON number: they are the texts NaN, Infinity and -Infinity. */
const number: Serialise = (value) => (Number.isFinite(value) ? plainNumber(value as number) : `"${String(value)}"`);

function plainNumber(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value);
}

/** The shortest text that gives the same 32-bit number again. */
const float: Serialise = (value) => {
  if (!Number.isFinite(value)) return number(value);
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number((value as number).toPrecision(digits));
    if (Math.fround(short) === value) return plainNumber(short);
  }
  return plainNumber(value as number);
};

function bigInteger(value: bigint): string {
  const safe = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
  return safe ? value.toString() : `"${value}"`;
}

/** INT64 and its like: a JSON number while that is exact, else a string. The binding hands over doubles. */
function integer(losses: Losses): Serialise {
  return (value, exact) => {
    if (Number.isSafeInteger(value)) return String(value);
    const given = typeof exact === 'string' ? exact : value;
    if (typeof given === 'bigint') return bigInteger(given);
    // Where labels of one pattern type a property differently, the engine hands it over as text.
    if (typeof given === 'string') return /^-?\d+$/.test(given) ? bigInteger(BigInt(given)) : quote(given);
    losses.seen = true;
    return number(given);
  };
}

function decimal(scale: number, losses: Losses): Serialise {
  return (value, exact) => {
    if (typeof exact === 'string') return quote(decimalText(exact, scale));
    if (typeof value !== 'number') return any(value);
    if (!(Math.abs(value) * 10 ** scale < LARGEST_SURE_DECIMAL)) losses.seen = true;
    return quote(value.toFixed(scale));
  };
}

/** LadybugDB 0.19.1 prints -0.0000000001 as 0.00000000-1. */
function decimalText(text: string, scale: number): string {
  const [, digits] = /^0\.0*-(\d+)$/.exec(text) ?? [];
  return digits === undefined ? text : `-0.${digits.padStart(scale, '0')}`;
}

function date({ textOf, losses }: Context): Serialise {
  return (value) => {
    if (!(value instanceof Date)) return any(value);
    if (!Number.isNaN(value.getTime())) return `"${dateText(value, textOf)}"`;
    losses.seen = true;
    return 'null';
  };
}

/** `cut`: the type knows more than milliseconds. */
function timestamp({ textOf, losses }: Context, cut: boolean): Serialise {
  return (value, exact) => {
    if (typeof exact === 'string') return `"${isoInstant(exact)}"`;
    if (!(value instanceof Date)) return typeof value === 'string' ? quote(isoInstant(value)) : any(value);
    const invalid = Number.isNaN(value.getTime());
    if (cut || invalid) losses.seen = true;
    return invalid ? 'null' : `"${instantText(value, textOf)}"`;
  };
}

/** The binding gives milliseconds and months counted as 30 days, which tells nothing. */
function interval(losses: Losses): Serialise {
  return (_, exact) => {
    if (typeof exact === 'string') return quote(isoInterval(exact));
    losses.seen = true;
    return 'null';
  };
}

function list(item: Serialise): Serialise {
  return (value, exact) => {
    const exacts = exact as unknown[] | null | undefined;
    const items = (value as unknown[]).map((one, i) => (isAbsent(one) ? 'null' : item(one, exacts?.[i])));
    return `[${items.join(',')}]`;
  };
}

/** An object with the fields in the binding's order, which is the order of their declaration. */
function object(fieldOf: (name: string) => Serialise | undefined, keyText?: (name: string) => string): Serialise {
  return (value, exact) => {
    const exacts = exact as Record<string, unknown> | null | undefined;
    const parts: string[] = [];
    for (const [name, field] of Object.entries(value as object)) {
      const serialise = fieldOf(name);
      if (!serialise) continue;
      const text = isAbsent(field) ? 'null' : serialise(field, exacts?.[name]);
      parts.push(`${quote(keyText ? keyText(name) : name)}:${text}`);
    }
    return `{${parts.join(',')}}`;
  };
}

/** By what the value is, where its type is unknown. */
const any: Serialise = (value) => {
  if (isAbsent(value)) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return number(value);
  if (typeof value === 'bigint') return bigInteger(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'null' : `"${value.toISOString()}"`;
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (Array.isArray(value)) return list(any)(value);
  return object(() => any)(value);
};

/** Nodes and relationships: properties of other labels, which the engine adds as null, are left out. */
function element(context: Context, of: ElementKind): Serialise {
  const { tables, names } = context;
  const exactFields = losingProperties(of, context).map(([name], index) => [name, `p${index}`] as const);
  const byLabel = new Map<string, Serialise>();
  const serialiserFor = (label: string): Serialise => {
    const properties = new Map([...(tables.get(label) ?? [])].map(([name, type]) => [name, build(type, context)]));
    return object((name) => properties.get(name) ?? (name.startsWith('_') ? any : undefined));
  };
  return (value, exact) => {
    const label = (value as { _label?: string | null })._label ?? '';
    if (!tables.has(label)) return any(value);
    let serialise = byLabel.get(label);
    if (!serialise) {
      byLabel.set(label, (serialise = serialiserFor(label)));
      if (!context.exact) Object.keys(value as object).forEach((name) => names.add(propertyKey(of, name)));
    }
    if (isAbsent(exact)) return serialise(value);
    const fields = exact as Record<string, unknown>;
    return serialise(value, Object.fromEntries(exactFields.map(([name, field]) => [name, fields[field]])));
  };
}

function path(context: Context): Serialise {
  const nodes = list(element(context, 'node'));
  const relationships = list(element(context, 'relationship'));
  return (value, exact) => {
    const { _nodes, _rels } = value as { _nodes: unknown[]; _rels: unknown[] };
    const { n, r } = (exact ?? {}) as { n?: unknown; r?: unknown };
    return `{"_nodes":${nodes(_nodes, n)},"_rels":${relationships(_rels, r)}}`;
  };
}

/** `{"<name of the member>": value}`. Only the exact form says which member it is. */
function union(members: [string, ValueType][], context: Context): Serialise {
  const serialisers = members.map(([name, type]) => [quote(name), build(type, context)] as const);
  const names = members.map(([name]) => name);
  return (_, exact) => {
    const fields = exact as Record<string, unknown> | null | undefined;
    const index = names.indexOf(String(fields?.tag));
    if (!fields || index < 0) {
      context.losses.seen = true;
      return 'null';
    }
    const member = fields[`m${index}`];
    return `{${serialisers[index][0]}:${isAbsent(member) ? 'null' : serialisers[index][1](member, member)}}`;
  };
}

function build(type: ValueType, context: Context): Serialise {
  switch (type.kind) {
    case 'scalar':
      return scalar(type.name, type.scale, context);
    case 'list':
      return list(build(type.item, context));
    case 'struct': {
      const fields = new Map(type.fields.map(([name, field]) => [name, build(field, context)]));
      return object((name) => fields.get(name) ?? any);
    }
    case 'map': {
      const value = build(type.value, context);
      const keyed = type.key.kind === 'scalar' && type.key.name.startsWith('TIMESTAMP');
      return object(() => value, keyed ? isoInstant : undefined);
    }
    case 'union':
      return union(type.members, context);
    case 'element':
      return element(context, type.of);
    case 'path':
      return path(context);
  }
}

function scalar(name: string, scale: number, context: Context): Serialise {
  switch (name) {
    case 'STRING':
    case 'UUID':
      return (value) => quote(String(value));
    case 'BOOL':
      return (value) => (value ? 'true' : 'false');
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
      return (value) => String(value);
    case 'INT64':
    case 'UINT64':
    case 'INT128':
    case 'UINT128':
    case 'SERIAL':
      return integer(context.losses);
    case 'DOUBLE':
      return number;
    case 'FLOAT':
      return float;
    case 'DECIMAL':
      return decimal(scale, context.losses);
    case 'DATE':
      return date(context);
    case 'INTERVAL':
      return interval(context.losses);
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_SEC':
      return timestamp(context, false);
    default:
      return name.startsWith('TIMESTAMP') ? timestamp(context, true) : any;
  }
}

/** The serialiser of a type from its name as the engine prints it, such as `STRUCT(a INT64, b DATE[])`. */
export function serialiserOf(type: string, more: Partial<Context> = {}): Serialise {
  return build(parseType(type), {
    tables: new Map(),
    losses: new Losses(),
    names: new Set(),
    exact: false,
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
  /** Of each column, the properties of its nodes and relationships; noted here where `exact` is false. */
  names: Set<string>[];
  exact: boolean;
}

/** Makes one function that turns a row of the binding into the text of a JSON object, fields in the columns' order. */
export function rowSerialiser(shape: RowShape): (row: Record<string, unknown>) => string {
  const { columns, sources, names, ...context } = shape;
  const fields = columns.map(({ name, type }, column) => ({
    ...sources[column],
    key: `${JSON.stringify(name)}:`,
    serialise: serialiserOf(type, { ...context, names: names[column] }),
  }));
  return (row) => {
    let text = '{';
    let separator = '';
    for (const { plain, exact, key, serialise } of fields) {
      const value = row[plain];
      text += separator + key;
      text += isAbsent(value) ? 'null' : serialise(value, exact === undefined ? undefined : row[exact]);
      separator = ',';
    }
    return `${text}}`;
  };
}
