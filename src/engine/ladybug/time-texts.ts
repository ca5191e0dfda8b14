import { isoDuration } from '../../common/iso-duration';

const DAY_MS = 86_400_000;

/** Text of a day by its number since 1970. Most results repeat few days, and formatting a Date is slow. */
export function dayTexts(): (day: number) => string {
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

export function dateText(value: Date, textOf: (day: number) => string): string {
  return textOf(Math.floor(value.getTime() / DAY_MS));
}

/** Milliseconds are printed only where there are some. */
export function instantText(value: Date, textOf: (day: number) => string): string {
  const time = value.getTime();
  const day = Math.floor(time / DAY_MS);
  const inDay = time - day * DAY_MS;
  const seconds = Math.floor(inDay / 1000);
  const millis = inDay - seconds * 1000;
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${textOf(day)}T${clock}${millis === 0 ? '' : `.${String(millis).padStart(3, '0')}`}Z`;
}

const ENGINE_INSTANT = /^(.*) (\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00(?::00)?)?$/;

/**
 * ISO 8601 of an instant as the engine prints it (`2020-01-31 10:20:30.123456`, `+00` after it with a time zone). The
 * fraction has no, 3, 6 or 9 digits.
 */
export function isoInstant(text: string): string {
  const [, day, clock, fraction = ''] = ENGINE_INSTANT.exec(text) ?? [];
  if (day === undefined) return text;
  const digits = fraction.replace(/0+$/, '');
  const padded = digits.padEnd(Math.ceil(digits.length / 3) * 3, '0');
  return `${isoDay(day)}T${clock}${padded === '' ? '' : `.${padded}`}Z`;
}

/** ISO 8601 of a day as the engine prints it. It has years beyond 9999, and before the year 0 (1 BC), with a sign and six digits. */
export function isoDay(text: string): string {
  const [, before, day] = /^(\d+)(-\d\d-\d\d) \(BC\)$/.exec(text) ?? [];
  if (before !== undefined) {
    const years = Number(before) - 1;
    return years === 0 ? `0000${day}` : `-${String(years).padStart(6, '0')}${day}`;
  }
  const [, year, rest] = /^(\d{5,})(-.*)$/.exec(text) ?? [];
  return year === undefined ? text : `+${year.padStart(6, '0')}${rest}`;
}

const ENGINE_INTERVAL =
  /^(?:(-?\d+) years? ?)?(?:(-?\d+) months? ?)?(?:(-?\d+) days? ?)?(?:(-?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?)?$/;

/** ISO 8601 of an interval as the engine prints it (`1 year 2 months -3 days 04:05:06.000007`). Each part has its sign. */
export function isoInterval(text: string): string {
  const found = ENGINE_INTERVAL.exec(text);
  if (!found) return text;
  const [, years = 0, months = 0, days = 0, sign, hours = 0, minutes = 0, seconds = 0, fraction = ''] = found;
  const time = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
  const micros = time * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
  return isoDuration({
    months: Number(years) * 12 + Number(months),
    days: Number(days),
    micros: sign === '-' ? -micros : micros,
  });
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
