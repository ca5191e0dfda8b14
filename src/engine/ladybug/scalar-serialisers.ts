import { bytesText, type ExactText } from './exact-text';
import { dateText, instantText, isoDay, isoInterval, isoInstant } from './time-texts';

/**
 * Turns one value of the engine's binding into JSON text. `exact` is the text of the same value as an exact expression gave
 * it (`exact-expressions.ts`), read as far as where this value begins. Who is given it reads all of the value.
 */
export type Serialise = (value: unknown, exact?: ExactText) => string;

/** Notes whether any value was written that the binding had rounded or cut. */
export class Losses {
  seen = false;
}

export interface ScalarContext {
  losses: Losses;
  textOf: (day: number) => string;
}

// eslint-disable-next-line no-control-regex -- JSON demands that control characters are escaped
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
/** Up to here a double tells a decimal number's last digit. */
const LARGEST_SURE_DECIMAL = 2 ** 52;

export function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

export function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** The text of a value that is no container. Where labels of one pattern type a property differently, it may have any sign in it. */
function scalarText(value: unknown, exact: ExactText | undefined): string | undefined {
  if (typeof value !== 'string') return exact?.token();
  exact?.take(value);
  return value;
}

/** For values in which the binding loses nothing. */
function lossless(toText: (value: unknown) => string): Serialise {
  return (value, exact) => {
    scalarText(value, exact);
    return toText(value);
  };
}

/** Non-finite numbers have no JSON number: they are the texts NaN, Infinity and -Infinity. */
function number(value: unknown): string {
  return Number.isFinite(value) ? plainNumber(value as number) : `"${String(value)}"`;
}

function plainNumber(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value);
}

/** The shortest text that gives the same 32-bit number again. */
function float(value: unknown): string {
  if (!Number.isFinite(value)) return number(value);
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number((value as number).toPrecision(digits));
    if (Math.fround(short) === value) return plainNumber(short);
  }
  return plainNumber(value as number);
}

function bigInteger(value: bigint): string {
  const safe = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
  return safe ? value.toString() : `"${value}"`;
}

/** INT64 and its like: a JSON number while that is exact, else a string. The binding hands over doubles. */
function integer(losses: Losses): Serialise {
  return (value, exact) => {
    const text = scalarText(value, exact);
    if (Number.isSafeInteger(value)) return String(value);
    if (typeof value === 'bigint') return bigInteger(value);
    if (text !== undefined) return /^-?\d+$/.test(text) ? bigInteger(BigInt(text)) : quote(text);
    losses.seen = true;
    return number(value);
  };
}

function decimal(scale: number, losses: Losses): Serialise {
  return (value, exact) => {
    const text = scalarText(value, exact);
    if (text !== undefined) return quote(decimalText(text, scale));
    if (typeof value !== 'number') return plain(value);
    if (!(Math.abs(value) * 10 ** scale < LARGEST_SURE_DECIMAL)) losses.seen = true;
    return quote(value.toFixed(scale));
  };
}

/** LadybugDB 0.19.1 prints -0.0000000001 as 0.00000000-1. */
function decimalText(text: string, scale: number): string {
  const [, digits] = /^0\.0*-(\d+)$/.exec(text) ?? [];
  return digits === undefined ? text : `-0.${digits.padStart(scale, '0')}`;
}

function date({ textOf, losses }: ScalarContext): Serialise {
  return (value, exact) => {
    const text = scalarText(value, exact);
    if (!(value instanceof Date)) return plain(value);
    if (!Number.isNaN(value.getTime())) return `"${dateText(value, textOf)}"`;
    if (text !== undefined) return quote(isoDay(text));
    losses.seen = true;
    return 'null';
  };
}

/** `cut`: the type knows more than milliseconds. */
function timestamp({ textOf, losses }: ScalarContext, cut: boolean): Serialise {
  return (value, exact) => {
    const text = scalarText(value, exact);
    if (text !== undefined) return quote(isoInstant(text));
    if (!(value instanceof Date)) return plain(value);
    const invalid = Number.isNaN(value.getTime());
    if (cut || invalid) losses.seen = true;
    return invalid ? 'null' : `"${instantText(value, textOf)}"`;
  };
}

/** The binding gives milliseconds and months counted as 30 days, which tells nothing. */
function interval(losses: Losses): Serialise {
  return (value, exact) => {
    const text = scalarText(value, exact);
    if (text !== undefined) return quote(isoInterval(text));
    losses.seen = true;
    return 'null';
  };
}

export function bytes(value: unknown, exact?: ExactText): string {
  if (!(value instanceof Uint8Array)) return plain(value, exact);
  exact?.take(bytesText(value));
  return `"${Buffer.from(value).toString('base64')}"`;
}

/** By what the value is, where its type is not known, or not what it seems. */
export const plain: Serialise = (value, exact) => {
  if (value instanceof Uint8Array) return bytes(value, exact);
  scalarText(value, exact);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return number(value);
  if (typeof value === 'bigint') return bigInteger(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return value instanceof Date && !Number.isNaN(value.getTime()) ? `"${value.toISOString()}"` : 'null';
};

/** The serialiser of a type that is no container, by the engine's name of it; undefined where it is not known. */
export function scalar(name: string, scale: number, context: ScalarContext): Serialise | undefined {
  switch (name) {
    case 'STRING':
    case 'UUID':
      return lossless((value) => quote(String(value)));
    case 'BOOL':
      return lossless((value) => (value ? 'true' : 'false'));
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
      return lossless(String);
    case 'BLOB':
      return bytes;
    case 'INT64':
    case 'UINT64':
    case 'INT128':
    case 'UINT128':
    case 'SERIAL':
      return integer(context.losses);
    case 'DOUBLE':
      return lossless(number);
    case 'FLOAT':
      return lossless(float);
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
      return name.startsWith('TIMESTAMP') ? timestamp(context, true) : undefined;
  }
}
