import { isNested, parseType, type PropertyType } from '../../schemas/property-types';
import { INTEGERS, nameOf } from './duckdb-types';
import type { DateFormats } from './messages';
import { toNested } from './nested-casts';
import { literal } from './sql-text';
import { toDay, toInterval, toMoment, wholeDay } from './time-casts';

/** The least number of 128 bits: the engine keeps it, and then fails to read it. */
const UNREADABLE = `cast('${-(2n ** 127n)}' as hugeint)`;

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
  if (isNested(tree)) return toNested(column, source, tree, castTo);
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

function toText(column: string, source: string): Cast {
  // Older writers mark text as plain bytes.
  if (source === 'BLOB') return { sql: `try(decode(${column}))`, canFail: true };
  return { sql: `cast(${column} as varchar)`, canFail: false };
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
