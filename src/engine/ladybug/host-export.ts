import type { Lane } from './lanes';
import type { ExportColumn, ExportEnd, RelationshipExport, TableExport } from '../graph-engine';
import { type ParquetCounts, readParquetCounts } from './parquet-counts';
import { quoteName, quoteText } from './statement-text';
import { parseType, type ValueType } from '../value-types';
import { HostFailure, type ProgressMessage } from './messages';

/** What Parquet, as the engine writes or reads it, cannot hold exactly; loading turns its text into the same value. */
const AS_TEXT = /^(INT128|INTERVAL|DECIMAL\(.*\))$/;

/** Inside a host that reads: writes one table after the other, and counts what each file has. */
export async function runExport(
  lane: Lane,
  exports: TableExport[],
  report: (progress: ProgressMessage) => void,
): Promise<number[]> {
  const counts: number[] = [];
  let rows = 0;
  for (const one of exports) {
    const selection = selectionOf(one);
    // What a user wrote is in it: it is judged as a query of theirs, before it becomes a part of something else.
    if (one.kind === 'node') await lane.judge(selection);
    await refuseAbsentStructs(lane, one);
    const written = await write(lane, one, selection);
    // The engine does not always copy what it answers; where it has to choose is where they may differ.
    const chosen = one.kind === 'node' ? one.condition !== undefined : one.only !== undefined;
    const answered = chosen ? await count(lane, matchOf(one)) : written;
    if (answered !== written)
      throw new HostFailure(
        'load_failed',
        `The engine wrote ${written} of the ${answered} rows of ${one.table} that were chosen. Put the condition in other words`,
      );
    counts.push(written);
    rows += written;
    report({ table: one.table, rows, totalRows: 0 });
  }
  return counts;
}

/** The number of rows that were written. */
async function write(lane: Lane, one: TableExport, selection: string): Promise<number> {
  const copy = (query: string): Promise<unknown> => lane.run(`COPY (${query}) TO ${quoteText(one.file)}`);
  await copy(selection);
  const written = await readParquetCounts(one.file);
  if (isWhole(written)) return written.rows;
  // Where a condition has a pattern in it, LadybugDB 0.19.1 writes fewer values than rows; of rows that it has sorted, all.
  const sorted = one.columns.findIndex(({ type }) => parseType(type).kind === 'scalar');
  await copy(`${selection} ORDER BY ${one.kind === 'node' ? `c${sorted}` : quoteName('from')}`);
  const again = await readParquetCounts(one.file);
  if (isWhole(again)) return again.rows;
  throw new HostFailure(
    'load_failed',
    `The engine does not write all values of ${one.table}. Put the condition in other words`,
  );
}

/**
 * Where some structs of a table are NULL, LadybugDB 0.19.1 writes others in the place of those that are not. They are written
 * anew from their fields, which is right, but makes a struct of a NULL.
 */
async function refuseAbsentStructs(lane: Lane, one: TableExport): Promise<void> {
  const variable = one.kind === 'node' ? 'n' : 'r';
  const structs = one.columns.filter(({ type }) => parseType(type).kind === 'struct');
  if (structs.length === 0) return;
  const all = structs.flatMap(({ name, type }) => structsIn(`${variable}.${quoteName(name)}`, parseType(type)));
  const absent = all.map((struct) => `${struct} IS NULL`).join(' OR ');
  const reading =
    one.kind === 'node'
      ? matchNodes(one.table, one.condition === undefined ? absent : `(${one.condition}\n) AND (${absent})`)
      : matchRelationships(one) + where(absent);
  if ((await count(lane, reading)) === 0) return;
  const names = structs.map(({ name }) => name).join(', ');
  throw new HostFailure(
    'load_failed',
    `The engine cannot copy structs of ${one.table} where some are NULL (${names}). Fork the whole graph, or leave ${one.table} out`,
  );
}

/** The struct and those that are its fields. */
function structsIn(expression: string, type: ValueType): string[] {
  if (type.kind !== 'struct') return [];
  const inner = type.fields.flatMap(([name, field]) => structsIn(`${expression}.${quoteName(name)}`, field));
  return [expression, ...inner];
}

/** A struct made anew of its fields. */
function packed(expression: string, type: ValueType): string {
  if (type.kind !== 'struct') return expression;
  const fields = type.fields.map(
    ([name, field]) => `${quoteName(name)}: ${packed(`${expression}.${quoteName(name)}`, field)}`,
  );
  return `{${fields.join(', ')}}`;
}

/** Each column has a value for each row, an absent one too; of a list there may be more. */
function isWhole({ groups }: ParquetCounts): boolean {
  return groups.every(({ rows, values }) => values.every((count) => count >= rows));
}

async function count(lane: Lane, reading: string): Promise<number> {
  const [row] = await lane.run(`${reading} RETURN count(*) AS n`);
  return Number(row?.n);
}

/** The query for the rows of an export. The columns are those that loading wants, in its order. */
export function selectionOf(one: TableExport): string {
  if (one.kind === 'node') {
    return `${matchNodes(one.table, one.condition)} RETURN ${columns('n', one.columns)}`;
  }
  const properties = one.columns.length > 0 ? `, ${columns('r', one.columns)}` : '';
  return `${matchOf(one)} RETURN ${end('a', one.from, 'from')}, ${end('b', one.to, 'to')}${properties}`;
}

function matchOf(one: TableExport): string {
  return one.kind === 'node' ? matchNodes(one.table, one.condition) : matchRelationships(one);
}

/** Where few nodes are chosen, the engine looks for theirs, which is sooner than to write all and to leave most out. */
function matchRelationships({ from, to, table, only }: RelationshipExport): string {
  const node = (variable: string, side: 'from' | 'to', { table: name, key }: ExportEnd): string =>
    `(${variable}:${quoteName(name)}${only?.end === side ? ` {${quoteName(key.name)}: k}` : ''})`;
  const keys = only === undefined ? '' : `LOAD FROM ${quoteText(only.file)} WITH c${only.column} AS k `;
  return `${keys}MATCH ${node('a', 'from', from)}-[r:${quoteName(table)}]->${node('b', 'to', to)}`;
}

export function matchNodes(table: string, condition?: string): string {
  return `MATCH (n:${quoteName(table)})${where(condition)}`;
}

/** Each on a line of its own, so that a comment at its end takes nothing else. */
function where(condition: string | undefined): string {
  return condition === undefined ? '' : ` WHERE (${condition}\n)`;
}

function columns(variable: string, list: ExportColumn[]): string {
  return list.map((column, at) => `${value(variable, column)} AS c${at}`).join(', ');
}

function end(variable: string, { key }: ExportEnd, name: string): string {
  return `${value(variable, key)} AS \`${name}\``;
}

function value(variable: string, { name, type }: ExportColumn): string {
  const property = `${variable}.${quoteName(name)}`;
  return AS_TEXT.test(type) ? `cast(${property} AS STRING)` : packed(property, parseType(type));
}
