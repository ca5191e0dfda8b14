import type { QueryColumn } from '../graph-engine';

/** Turns one value of the engine's binding into JSON text. */
export type Serialise = (value: unknown) => string;

/** Types of the properties of each node and relationship table; NODE, REL and path values do not carry their types. */
export type TableTypes = ReadonlyMap<string, ReadonlyMap<string, Serialise>>;

// eslint-disable-next-line no-control-regex -- JSON demands that control characters are escaped
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
const DAY_MS = 86_400_000;

function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** Non-finite numbers have no JSON form. */
const number: Serialise = (value) => (Number.isFinite(value) ? String(value) : 'null');

/**
 * INT64 and UINT64. The binding hands over doubles: above 2^53 the last digits are already lost here, and the value is
 * printed as the binding gave it. `cast(x AS INT128)` in the statement returns such a value exactly.
 */
const integer: Serialise = (value) => {
  if (typeof value === 'bigint') return bigInteger(value);
  // Where labels of one pattern type a property differently, the engine hands it over as text.
  if (typeof value === 'string') return /^-?\d+$/.test(value) ? bigInteger(BigInt(value)) : quote(value);
  return number(value);
};

function bigInteger(value: bigint): string {
  const safe = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
  return safe ? value.toString() : `"${value}"`;
}

/** Text of a day by its number since 1970. Most results repeat few days, and formatting a Date is slow. */
function dayTexts(): (day: number) => string {
  const known = new Map<number, string>();
  return (day) => {
    let text = known.get(day);
    if (text === undefined) {
      const iso = new Date(day * DAY_MS).toISOString();
      text = iso.slice(0, iso.indexOf('T'));
      if (known.size > 4_096) known.clear();
      known.set(day, text);
    }
    return text;
  };
}

function dateSerialiser(): Serialise {
  const textOf = dayTexts();
  return (value) => {
    if (!(value instanceof Date)) return any(value);
    const time = value.getTime();
    return Number.isNaN(time) ? 'null' : `"${textOf(Math.floor(time / DAY_MS))}"`;
  };
}

/** Milliseconds are printed only where there are some. */
function timestampSerialiser(): Serialise {
  const textOf = dayTexts();
  return (value) => {
    if (!(value instanceof Date)) return any(value);
    const time = value.getTime();
    if (Number.isNaN(time)) return 'null';
    const day = Math.floor(time / DAY_MS);
    const inDay = time - day * DAY_MS;
    const seconds = Math.floor(inDay / 1000);
    const millis = inDay - seconds * 1000;
    const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    return `"${textOf(day)}T${clock}${millis === 0 ? '' : `.${String(millis).padStart(3, '0')}`}Z"`;
  };
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function isoOf(value: Date): string | null {
  return Number.isNaN(value.getTime()) ? null : value.toISOString();
}

/** The binding gives milliseconds, months counted as 30 days. */
const interval: Serialise = (value) => {
  if (!Number.isFinite(value)) return 'null';
  const seconds = (value as number) / 1000;
  return seconds < 0 ? `"-PT${-seconds}S"` : `"PT${seconds}S"`;
};

function decimal(scale: number): Serialise {
  return (value) => (typeof value === 'number' ? quote(value.toFixed(scale)) : any(value));
}

function list(item: Serialise): Serialise {
  return (value) => `[${(value as unknown[]).map((one) => (isAbsent(one) ? 'null' : item(one))).join(',')}]`;
}

/** An object with the fields in the binding's order, which is the order of their declaration. */
function object(fieldOf: (name: string) => Serialise | undefined): Serialise {
  return (value) => {
    const parts: string[] = [];
    for (const [name, field] of Object.entries(value as object)) {
      const serialise = fieldOf(name);
      if (serialise) parts.push(`${quote(name)}:${isAbsent(field) ? 'null' : serialise(field)}`);
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
  if (value instanceof Date) {
    const iso = isoOf(value);
    return iso === null ? 'null' : `"${iso}"`;
  }
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (Array.isArray(value)) return list(any)(value);
  if (value instanceof Map) return any(Object.fromEntries(value));
  return object(() => any)(value);
};

/** Nodes and relationships: properties of other labels, which the engine adds as null, are left out. */
function element(tables: TableTypes): Serialise {
  return (value) => {
    const label = (value as { _label?: string | null })._label ?? '';
    const properties = tables.get(label);
    if (!properties) return any(value);
    return object((name) => properties.get(name) ?? (name.startsWith('_') ? any : undefined))(value);
  };
}

/** Splits `a INT64, b STRUCT(c DATE, d DATE)` at its outer commas. */
function splitOuter(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (char === '(' || char === '[') depth += 1;
    else if (char === ')' || char === ']') depth -= 1;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}

function inside(type: string): string {
  return type.slice(type.indexOf('(') + 1, type.lastIndexOf(')'));
}

/** Chooses the serialiser of a type from its name as the engine prints it, such as `STRUCT(a INT64, b DATE[])`. */
export function serialiserOf(type: string, tables: TableTypes = new Map()): Serialise {
  const listOf = /^(.*)\[\d*\]$/s.exec(type);
  if (listOf) return list(serialiserOf(listOf[1], tables));
  const head = /^[A-Z_0-9]+/.exec(type)?.[0] ?? '';
  switch (head) {
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
      return integer;
    case 'DOUBLE':
    case 'FLOAT':
      return number;
    case 'DECIMAL':
      return decimal(Number(splitOuter(inside(type))[1] ?? 0));
    case 'DATE':
      return dateSerialiser();
    case 'INTERVAL':
      return interval;
    case 'BLOB':
      return (value) => `"${Buffer.from(value as Uint8Array).toString('base64')}"`;
    case 'NODE':
    case 'REL':
      return element(tables);
    case 'RECURSIVE_REL': {
      const elements = list(element(tables));
      return object(() => elements);
    }
    case 'STRUCT': {
      const fields = new Map(
        splitOuter(inside(type)).map((field) => {
          const gap = field.indexOf(' ');
          return [field.slice(0, gap).replace(/^`|`$/g, ''), serialiserOf(field.slice(gap + 1), tables)] as const;
        }),
      );
      return object((name) => fields.get(name) ?? any);
    }
    case 'MAP': {
      const values = serialiserOf(splitOuter(inside(type))[1] ?? '', tables);
      return object(() => values);
    }
    default:
      return head.startsWith('TIMESTAMP') ? timestampSerialiser() : any;
  }
}

/** The first name that occurs twice, if any. */
export function duplicateOf(names: string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

/** Makes one function that turns a row of the binding into the text of a JSON object, fields in the columns' order. */
export function rowSerialiser(columns: QueryColumn[], tables: TableTypes): (row: Record<string, unknown>) => string {
  const fields = columns.map(({ name, type }) => ({
    name,
    key: `${JSON.stringify(name)}:`,
    serialise: serialiserOf(type, tables),
  }));
  return (row) => {
    let text = '{';
    let separator = '';
    for (const { name, key, serialise } of fields) {
      const value = row[name];
      text += separator + key + (isAbsent(value) ? 'null' : serialise(value));
      separator = ',';
    }
    return `${text}}`;
  };
}
