import { type TypeTree, typeName, TypeProblem } from './property-types';

const INTEGER_BITS: Record<string, { bits: number; signed: boolean }> = {
  INT8: { bits: 7, signed: true },
  INT16: { bits: 15, signed: true },
  INT32: { bits: 31, signed: true },
  INT64: { bits: 63, signed: true },
  INT128: { bits: 127, signed: true },
  UINT8: { bits: 8, signed: false },
  UINT16: { bits: 16, signed: false },
  UINT32: { bits: 32, signed: false },
  UINT64: { bits: 64, signed: false },
};
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIMESTAMP = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d:\d\d)?$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The text form of a default value, which the engine and DuckDB read alike. Throws {@link TypeProblem}. */
export function defaultText(value: unknown, type: TypeTree): string {
  const text = textOf(value, type);
  if (text === undefined) throw new TypeProblem(`is no value of the type ${typeName(type)}`);
  return text;
}

/** The value as JSON says it; a text where a number would lose digits. */
export function defaultValue(text: string, type: TypeTree): string | number | boolean {
  if (type.kind !== 'scalar') return text;
  if (type.name === 'BOOLEAN') return text === 'true';
  if (type.name in INTEGER_BITS) return Number.isSafeInteger(Number(text)) ? Number(text) : text;
  return type.name === 'FLOAT' || type.name === 'DOUBLE' ? Number(text) : text;
}

function textOf(value: unknown, type: TypeTree): string | undefined {
  if (type.kind === 'decimal') return decimal(value, type);
  if (type.kind !== 'scalar' || type.name === 'INTERVAL' || type.name === 'BLOB')
    throw new TypeProblem(`is not possible for ${typeName(type)}: only plain values have one`);
  if (type.name in INTEGER_BITS) return integer(value, INTEGER_BITS[type.name]);
  const name: string = type.name;
  switch (name) {
    case 'BOOLEAN':
      return typeof value === 'boolean' ? String(value) : undefined;
    case 'FLOAT':
    case 'DOUBLE':
      return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
    case 'STRING':
      return typeof value === 'string' && value.length <= 2_000 && !value.includes('\0') ? value : undefined;
    case 'UUID':
      return typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : undefined;
    case 'DATE':
      return typeof value === 'string' && DATE.test(value) && isDay(value) ? value : undefined;
    default:
      return timestamp(value, name === 'TIMESTAMP_TZ');
  }
}

function integer(value: unknown, { bits, signed }: { bits: number; signed: boolean }): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !/^-?\d{1,40}$/.test(text)) return undefined;
  const number = BigInt(text);
  const limit = 1n << BigInt(bits);
  return number < limit && number >= (signed ? -limit : 0n) ? number.toString() : undefined;
}

function decimal(value: unknown, { precision, scale }: { precision: number; scale: number }): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  const parts = typeof text === 'string' ? /^-?(\d{1,38})(?:\.(\d{1,38}))?$/.exec(text) : null;
  if (parts === null) return undefined;
  const whole = parts[1].replace(/^0+/, '');
  return whole.length <= precision - scale && (parts[2] ?? '').length <= scale ? String(text) : undefined;
}

function timestamp(value: unknown, zoned: boolean): string | undefined {
  const parts = typeof value === 'string' ? TIMESTAMP.exec(value) : null;
  if (parts === null || !isDay(parts[1]) || Number.isNaN(Date.parse(`${parts[1]}T${parts[2].slice(0, 8)}Z`)))
    return undefined;
  const [, day, time, zone] = parts;
  // A plain TIMESTAMP is UTC; another offset would have to be guessed away.
  if (!zoned) return zone === undefined || zone === 'Z' ? `${day} ${time}` : undefined;
  return zone === undefined ? undefined : `${day} ${time}${zone === 'Z' ? '+00:00' : zone}`;
}

function isDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
