/** Days from 1970 on, either way, of the dates that a program of JavaScript knows. */
const FARTHEST_DAY = 100_000_000;

/** A moment as a date, where it is the beginning of one. */
export function wholeDay(at: string): string {
  return `case when ${at} = date_trunc('day', ${at}) then cast(${at} as date) end`;
}

/** ISO 8601, as in the answers of queries, or DuckDB's own words. None with a negative part: the engine cannot read these. */
export function toInterval(column: string): string {
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
export function toMoment(column: string, target: string): string {
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

/** Neither with a time of day, nor infinite or so far away that answers cannot say it. The second case is the usual one. */
export function toDay(column: string): string {
  const plain = `try_cast(${column} as date)`;
  const near = `${plain} - date '1970-01-01' between -${FARTHEST_DAY} and ${FARTHEST_DAY}`;
  return `case
    when contains(${column}, ':') then ${wholeDay(`try_cast(${column} as timestamp)`)}
    when length(${column}) <= 10 and not contains(${column}, 'f') then ${plain}
    when isfinite(${plain}) then case when ${near} then ${plain} end end`;
}
