import type { Json } from '@duckdb/node-api';
import { quoted } from './sql-text';
import type { DuckDbSession } from './duckdb-session';
import { inTime, millisecondsSince } from './in-time';
import type { ColumnProfile, ProfileJob, ProfileResult, StagedColumn } from './messages';
import { sourceOf } from './query-tables';

const EXAMPLES = 5;
/** Examples are taken from so many rows at the beginning. */
const EXAMPLE_ROWS = 1_000;
/** Characters (bytes of binary values) that are shown of one. */
const LONGEST_VALUE = 200;

/** Counts rows, nulls and different values of each column, and finds its ends, in one scan. */
export async function profileTable(session: DuckDbSession, { table, timeoutMs }: ProfileJob): Promise<ProfileResult> {
  const started = performance.now();
  const source = sourceOf(table);
  return inTime(session, timeoutMs, async () => {
    const columns = await session.columns(source);
    const figures = columns.flatMap((column) => figuresOf(column));
    const [[rows, ...values]] = await session.exactRows(`select count(*), ${figures.join(', ')} from (${source})`);
    const shown = columns.map((column) => shortValue(column)).join(', ');
    const examples = await session.exactRows(`select ${shown} from (${source}) limit ${EXAMPLE_ROWS}`);
    return {
      rows: Number(rows),
      columns: columns.map((column, at) =>
        profileOf(
          column,
          Number(rows),
          values.slice(at * 4, at * 4 + 4),
          examples.map((row) => row[at]),
        ),
      ),
      executionMs: millisecondsSince(started),
    };
  });
}

/** Values that are not null, different ones, and the ends. */
function figuresOf(column: StagedColumn): string[] {
  const name = quoted(column.name);
  const [least, most] = isOrdered(column) ? [`min(${name})`, `max(${name})`] : ['null', 'null'];
  const cut = (sql: string): string => (column.type === 'VARCHAR' ? `left(${sql}, ${LONGEST_VALUE})` : sql);
  return [`count(${name})`, `approx_count_distinct(hash(${name})) filter (${name} is not null)`, cut(least), cut(most)];
}

/** The value, text cut to what is shown; null where it is too long to be shown. */
function shortValue({ name, type }: StagedColumn): string {
  if (type === 'VARCHAR') return `left(${quoted(name)}, ${LONGEST_VALUE})`;
  if (type === 'BLOB') return `case when octet_length(${quoted(name)}) <= ${LONGEST_VALUE} then ${quoted(name)} end`;
  if (!isNested(type)) return quoted(name);
  return `case when length(cast(${quoted(name)} as varchar)) <= ${LONGEST_VALUE} then ${quoted(name)} end`;
}

function profileOf(column: StagedColumn, rows: number, [count, about, min, max]: Json[], seen: Json[]): ColumnProfile {
  const different = new Map(seen.flatMap((value) => (value === null ? [] : [[JSON.stringify(value), value] as const])));
  const examples = [...different.values()].slice(0, EXAMPLES);
  if (examples.length === 0 && min !== null) examples.push(min);
  // What is estimated must not contradict what was counted.
  const distinct = Math.max(Math.min(Number(about), Number(count)), Math.min(different.size, Number(count)));
  return { ...column, nulls: rows - Number(count), distinct, min, max, examples };
}

function isOrdered({ type }: StagedColumn): boolean {
  return type !== 'BLOB' && !isNested(type);
}

/** Lists, arrays, structs, maps and unions. */
function isNested(type: string): boolean {
  return /[\])]$/.test(type) && !type.startsWith('DECIMAL');
}
