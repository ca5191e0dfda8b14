import { isNested, parseType, type PropertyType, type ScalarType, type TypeTree } from '../../schemas/property-types';
import type { DateFormats } from './messages';
import { toNested } from './nested-casts';

export const DUCKDB_TYPES: Record<ScalarType, string> = {
  STRING: 'VARCHAR',
  BOOLEAN: 'BOOLEAN',
  INT8: 'TINYINT',
  INT16: 'SMALLINT',
  INT32: 'INTEGER',
  INT64: 'BIGINT',
  INT128: 'HUGEINT',
  UINT8: 'UTINYINT',
  UINT16: 'USMALLINT',
  UINT32: 'UINTEGER',
  UINT64: 'UBIGINT',
  FLOAT: 'FLOAT',
  DOUBLE: 'DOUBLE',
  DATE: 'DATE',
  TIMESTAMP: 'TIMESTAMP',
  TIMESTAMP_TZ: 'TIMESTAMP WITH TIME ZONE',
  INTERVAL: 'INTERVAL',
  UUID: 'UUID',
  BLOB: 'BLOB',
};

/** Smallest and largest exponent of two, to know which integers always fit into which. */
const INTEGERS: Record<string, { bits: number; signed: boolean }> = {
  TINYINT: { bits: 7, signed: true },
  SMALLINT: { bits: 15, signed: true },
  INTEGER: { bits: 31, signed: true },
  BIGINT: { bits: 63, signed: true },
  HUGEINT: { bits: 127, signed: true },
  UTINYINT: { bits: 8, signed: false },
  USMALLINT: { bits: 16, signed: false },
  UINTEGER: { bits: 32, signed: false },
  UBIGINT: { bits: 64, signed: false },
  UHUGEINT: { bits: 128, signed: false },
};

/** Days from 1970 on, either way, of the dates that a program of JavaScript knows. */
const FARTHEST_DAY = 100_000_000;
/** The least number of 128 bits: the engine keeps it, and then fails to read it. */
const UNREADABLE = `cast('${-(2n ** 127n)}' as hugeint)`;

/** DuckDB's name of a property type. */
export function duckdbType(type: PropertyType): string {
  return nameOf(parseType(type));
}

/**
 * How values of a type are written for the engine, whose reader of Parquet knows neither DECIMAL nor integers of 128 bits;
 * intervals in Parquet have milliseconds at most, and are never negative.
 */
export function storedType(type: PropertyType): string {
  return nameOf(parseType(type), (name) =>
    name === 'HUGEINT' || name === 'INTERVAL' || name.startsWith('DECIMAL') ? 'VARCHAR' : name,
  );
}

/** As DuckDB itself writes it, so that it can be compared; with what `leaf` makes of the names of scalar types. */
export function nameOf(type: TypeTree, leaf: (name: string) => string = (name) => name): string {
  switch (type.kind) {
    case 'scalar':
      return leaf(DUCKDB_TYPES[type.name]);
    case 'decimal':
      return leaf(`DECIMAL(${type.precision},${type.scale})`);
    case 'list':
      return `${nameOf(type.element, leaf)}[]`;
    case 'array':
      return `${nameOf(type.element, leaf)}[${type.size}]`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${fieldName(field.name)} ${nameOf(field.type, leaf)}`).join(', ')})`;
    case 'map':
      return `MAP(${nameOf(type.key, leaf)}, ${nameOf(type.value, leaf)})`;
  }
}

export function isInteger(name: string): boolean {
  return name in INTEGERS;
}

export interface Cast {
  /** SQL whose value is of the wanted type, or null where the source's value does not fit it exactly. */
  sql: string;
  /** Whether a value that is not null can become null. */
  canFail: boolean;
}

/**
 * How a column of DuckDB type `source` becomes a property. Nothing is rounded, cut or guessed: 1.5 is no integer, 2 is
 * no boolean, a time of day does not fit into a date. Two exceptions, because files rarely mean them: digits of a
 * timestamp below the microsecond, and digits of a number beyond what its floating-point type holds.
 */
export function castTo(column: string, source: string, type: PropertyType, formats: DateFormats = {}): Cast {
  const tree = parseType(type);
  const target = nameOf(tree);
  const tried = { sql: `try_cast(${column} as ${target})`, canFail: true };
  const written = target === 'DATE' ? formats.dateFormats : formats.timestampFormats;
  const parsed = written && `try_strptime(${column}, [${written.map(literal).join(', ')}])`;
  const never = { sql: `cast(null as ${target})`, canFail: true };
  if (source === target) return { sql: column, canFail: false };
  if (target === 'VARCHAR') return toText(column, source);
  if (isNested(tree)) return toNested(column, source, tree);
  if (tree.kind === 'decimal') return toDecimal(column, source, tree, never);
  if (target === 'HUGEINT') {
    const { sql } = toInteger(column, source, target, tried, never);
    return { sql: `nullif(${sql}, ${UNREADABLE})`, canFail: true };
  }
  if (target in INTEGERS) return toInteger(column, source, target, tried, never);
  switch (target) {
    case 'BOOLEAN':
      if (source in INTEGERS) return { sql: `case ${column} when 0 then false when 1 then true end`, canFail: true };
      return source === 'VARCHAR' ? tried : never;
    case 'FLOAT':
    case 'DOUBLE':
      if (source === 'VARCHAR') return { sql: toDouble(column, tried.sql), canFail: true };
      return source in INTEGERS || isFraction(source) ? tried : never;
    case 'DATE':
      if (parsed && source === 'VARCHAR') return { sql: wholeDay(parsed), canFail: true };
      if (isTimestamp(source)) {
        return { sql: wholeDay(toTimestamp(column, source)), canFail: true };
      }
      return source === 'VARCHAR' ? { sql: toDay(column), canFail: true } : never;
    case 'BLOB':
      // As in the answers of queries, since neither CSV nor JSON can hold bytes.
      return source === 'VARCHAR' ? { sql: `try(from_base64(${column}))`, canFail: true } : never;
    case 'TIMESTAMP':
      if (parsed && source === 'VARCHAR') return { sql: `cast(${parsed} as timestamp)`, canFail: true };
      if (isTimestamp(source) || source === 'DATE') return { sql: toTimestamp(column, source), canFail: true };
      return source === 'VARCHAR' ? { sql: toMoment(column, target), canFail: true } : never;
    case 'TIMESTAMP WITH TIME ZONE':
      return source === 'VARCHAR' ? { sql: toMoment(column, target), canFail: true } : never;
    case 'INTERVAL':
      return source === 'VARCHAR' ? { sql: toInterval(column), canFail: true } : never;
    default:
      return source === 'VARCHAR' ? tried : never;
  }
}

function toDecimal(
  column: string,
  source: string,
  { precision, scale }: { precision: number; scale: number },
  never: Cast,
): Cast {
  const cast = `try_cast(${column} as DECIMAL(${precision},${scale}))`;
  if (source === 'VARCHAR') {
    const fits = `regexp_full_match(${column}, '\\s*[+-]?[0-9]*(\\.[0-9]{0,${scale}}0*)?\\s*')`;
    return { sql: `case when ${fits} then ${cast} end`, canFail: true };
  }
  if (source in INTEGERS) return { sql: cast, canFail: true };
  if (!isFraction(source)) return never;
  return { sql: `case when cast(${cast} as ${source}) = ${column} then ${cast} end`, canFail: true };
}

/** DuckDB writes a field's name in quotes only where it needs them. */
function fieldName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoted(name);
}

function wholeDay(at: string): string {
  return `case when ${at} = date_trunc('day', ${at}) then cast(${at} as date) end`;
}

function toText(column: string, source: string): Cast {
  // Older writers mark text as plain bytes.
  if (source === 'BLOB') return { sql: `try(decode(${column}))`, canFail: true };
  return { sql: `cast(${column} as varchar)`, canFail: false };
}

/** ISO 8601, as in the answers of queries, or DuckDB's own words. None with a negative part: the engine cannot read these. */
function toInterval(column: string): string {
  const number = '-?[0-9]+';
  const time = `T(${number}H)?(${number}M)?(${number}(\\.[0-9]{1,6})?S)?`;
  const iso = `P(${number}Y)?(${number}M)?(${number}D)?(${time})?`;
  const words = (part: number, names: [string, string][]): string =>
    names.reduce(
      (sql, [letter, name]) => `replace(${sql}, '${letter}', ' ${name} ')`,
      `split_part(${column}, 'T', ${part})`,
    );
  const date = words(1, [['P', ''], ['Y', 'years'], ['M', 'months'], ['D', 'days']]); // prettier-ignore
  const day = words(2, [['H', 'hours'], ['M', 'minutes'], ['S', 'seconds']]); // prettier-ignore
  const parsed = `try_cast(${date} || ${day} as interval)`;
  const read = `case when regexp_full_match(${column}, '${iso}') then ${parsed} else try_cast(${column} as interval) end`;
  return `case when not contains(cast(${read} as varchar), '-') then ${read} end`;
}

/**
 * DuckDB reads a TIMESTAMP that says a distance to UTC as if it said none, and takes distances that no place on earth has.
 * Without one, UTC is meant. The first case is what most files have, and quick.
 */
function toMoment(column: string, target: string): string {
  const plain = `try_cast(${column} as ${target})`;
  const says = (zone: string): string => `regexp_matches(${column}, ':[0-9]{2}([.][0-9]+)?\\s*(${zone})\\s*$')`;
  const zoned = `try_cast(${column} as timestamp with time zone)`;
  const moment = target === 'TIMESTAMP' ? `(${zoned} at time zone 'UTC')` : zoned;
  // A digit at the end, and no sign behind the day.
  const saysNone = `right(${column}, 1) between '0' and '9' and not contains(${column}, '+') and not contains(substr(${column}, 12), '-')`;
  return `case
    when ${saysNone} then ${plain}
    when ${says('[Zz]|UTC|[+-](0?[0-9]|1[0-5])(:?[0-5][0-9])?')} then ${moment}
    when not ${says('[+-][0-9:]+')} and isfinite(${plain}) then ${plain} end`;
}

/** Neither with a time of day, nor infinite or so far away that answers cannot say it. The first case is the usual one. */
function toDay(column: string): string {
  const plain = `try_cast(${column} as date)`;
  const near = `${plain} - date '1970-01-01' between -${FARTHEST_DAY} and ${FARTHEST_DAY}`;
  return `case
    when contains(${column}, ':') then ${wholeDay(`try_cast(${column} as timestamp)`)}
    when length(${column}) <= 10 and not contains(${column}, 'f') then ${plain}
    when isfinite(${plain}) then case when ${near} then ${plain} end end`;
}

/** "1e309" is no infinity, and "1_0" no ten. */
function toDouble(column: string, read: string): string {
  const isMeant = `regexp_matches(${column}, '(?i)inf')`;
  return `case when contains(${column}, '_') then null when not isinf(${read}) or ${isMeant} then ${read} end`;
}

function toInteger(column: string, source: string, target: string, tried: Cast, never: Cast): Cast {
  if (source in INTEGERS) {
    const [from, to] = [INTEGERS[source], INTEGERS[target]];
    const always = from.bits <= to.bits && (to.signed || !from.signed);
    return { sql: tried.sql, canFail: !always };
  }
  if (isFraction(source)) return { sql: `case when ${column} = trunc(${column}) then ${tried.sql} end`, canFail: true };
  if (source !== 'VARCHAR') return never;
  // A cast alone would round "1.5" and read "0x10"; comparing with the printed value is the quick way for plain digits.
  const plain = `cast(${tried.sql} as varchar) = ${column}`;
  const spelled = `regexp_full_match(${column}, '\\s*[+-]?[0-9]+(\\.0*)?\\s*')`;
  return { sql: `case when ${plain} or ${spelled} then ${tried.sql} end`, canFail: true };
}

function isFraction(type: string): boolean {
  return type === 'FLOAT' || type === 'DOUBLE' || type.startsWith('DECIMAL');
}

function isTimestamp(type: string): boolean {
  return type.startsWith('TIMESTAMP');
}

function toTimestamp(column: string, source: string): string {
  // A moment in time is kept as UTC.
  if (source === 'TIMESTAMP WITH TIME ZONE') return `(${column} at time zone 'UTC')`;
  return source === 'TIMESTAMP' ? column : `try_cast(${column} as timestamp)`;
}

/** A name as SQL identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
