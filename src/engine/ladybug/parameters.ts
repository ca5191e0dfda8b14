/** A parameter that the engine could not take, in words for the user. */
export class UnusableParameter extends Error {}

/** Of lists and objects; the engine runs out of memory beyond some dozens. */
const DEEPEST = 30;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values of a program become JSON for the wire: dates as ISO text (the engine casts it), integers exact or refused. */
export function encodeParameters(parameters: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, encode(name, value, 0)]));
}

function encode(name: string, value: unknown, depth: number): unknown {
  if (depth > DEEPEST) throw new UnusableParameter(`Parameter ${name} is nested deeper than ${DEEPEST} times`);
  if (value === undefined) return null;
  if (typeof value === 'bigint') {
    // An INT128 parameter would make the engine scan instead of using the key's index, so numbers stay numbers.
    if (Number.isSafeInteger(Number(value))) return Number(value);
    return value.toString();
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new UnusableParameter(`Parameter ${name} is not a finite number`);
  }
  if (typeof value === 'number' && isRoundedInteger(value)) {
    throw new UnusableParameter(
      `Parameter ${name} is a whole number beyond 2^53, which JSON does not keep exact. Send it as text`,
    );
  }
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) throw new UnusableParameter(`Parameter ${name} holds bytes. Send text instead`);
  if (Array.isArray(value)) return value.map((item) => encode(name, item, depth + 1));
  if (value instanceof Map) return encode(name, Object.fromEntries(value), depth);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(name, item, depth + 1)]));
  }
  return value;
}

/** Whether a number may have been an INT64 before it was read from JSON. Larger ones are meant as DOUBLE. */
function isRoundedInteger(value: number): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) <= 2 ** 63;
}

/**
 * Host side: shapes JSON values so that the binding can type them. Objects in one list get the same keys (absent ones
 * null); an empty list has no type and is refused with what to do, as the binding would only fail an assertion.
 */
export function bindParameters(parameters: Record<string, unknown>): Record<string, Json> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, shape(name, value as Json)]));
}

function shape(name: string, value: Json): Json {
  if (Array.isArray(value)) {
    if (value.length === 0) {
      throw new UnusableParameter(`Parameter ${name} holds an empty list, which has no type. Leave the condition out`);
    }
    const kinds = new Set(value.filter((item) => item !== null).map(kindOf));
    if (kinds.size > 1) {
      throw new UnusableParameter(
        `Parameter ${name} holds a list of ${[...kinds].sort().join(' and ')}. Send values of one type in a list`,
      );
    }
    const items = value.map((item) => shape(name, item));
    return items.every(isPlain) ? sameKeys(items) : items;
  }
  if (!isPlain(value)) return value;
  if (Object.keys(value).length === 0) {
    throw new UnusableParameter(`Parameter ${name} holds an empty object, which has no type. Leave the condition out`);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shape(name, item)]));
}

/** In words; the engine would turn numbers among texts into texts. */
function kindOf(value: Json): string {
  if (Array.isArray(value)) return 'lists';
  return { number: 'numbers', string: 'texts', boolean: 'truth values' }[typeof value as string] ?? 'objects';
}

function isPlain(value: Json): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sameKeys(items: { [key: string]: Json }[]): Json[] {
  const keys = [...new Set(items.flatMap((item) => Object.keys(item)))];
  return items.map((item) => Object.fromEntries(keys.map((key) => [key, item[key] ?? null])));
}
