/** A span of time whose parts do not add up to one another: a month has no fixed number of days, nor a day of hours. */
export interface Duration {
  months: number;
  days: number;
  micros: bigint;
}

const MICROS_PER_SECOND = 1_000_000n;

/** ISO 8601 of a duration, such as `P1Y2M3DT4H5M6.000007S`. Months, days and time each have their own sign. */
export function isoDuration({ months, days, micros }: Duration): string {
  const date = part(Math.trunc(months / 12), 'Y') + part(months % 12, 'M') + part(days, 'D');
  const seconds = micros / MICROS_PER_SECOND;
  const time =
    part(seconds / 3600n, 'H') +
    part((seconds / 60n) % 60n, 'M') +
    secondsText(seconds % 60n, micros % MICROS_PER_SECOND);
  if (date === '' && time === '') return 'PT0S';
  return `P${date}${time === '' ? '' : `T${time}`}`;
}

function part(value: number | bigint, unit: string): string {
  return Number(value) === 0 ? '' : `${value}${unit}`;
}

/** Both have the sign of the whole, so `-0.5` keeps it where there are no whole seconds. */
function secondsText(seconds: bigint, micros: bigint): string {
  if (seconds === 0n && micros === 0n) return '';
  const sign = seconds < 0n || micros < 0n ? '-' : '';
  const fraction = String(absolute(micros)).padStart(6, '0').replace(/0+$/, '');
  return `${sign}${absolute(seconds)}${fraction && `.${fraction}`}S`;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
