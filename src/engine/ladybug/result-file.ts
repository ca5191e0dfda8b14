import type { LbugValue } from '@ladybugdb/core';
import { stat } from 'node:fs/promises';
import type { QueryColumn } from '../graph-engine';
import { parseType } from '../value-types';
import type { Lane } from './lanes';
import { HostFailure } from './messages';
import { readParquetCounts } from './parquet-counts';
import { operatorsOf } from './plan-guard';
import { projectionsOf } from './projection';
import { quoteText } from './statement-text';
import { tokenize } from './statement-tokens';

/**
 * Types that LadybugDB 0.19.1 writes to Parquet exactly, and as the type that a result as Parquet has. It rounds INT128, cuts
 * INTERVAL, refuses DECIMAL, repeats wrong values of structs and maps, and writes unreadable lists beside other columns.
 */
const EXACT = new Set([
  ...['BOOL', 'INT8', 'INT16', 'INT32', 'INT64', 'SERIAL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'FLOAT', 'DOUBLE'],
  ...['STRING', 'DATE', 'TIMESTAMP', 'TIMESTAMP_MS', 'TIMESTAMP_SEC', 'TIMESTAMP_TZ', 'UUID', 'BLOB'],
]);
/** What plans may consist of that the engine carries out for a file as it does for an answer. */
const PLAIN_OPERATORS = new Set([
  ...['RESULT_COLLECTOR', 'SCAN_NODE_TABLE', 'SCAN_REL_TABLE', 'PRIMARY_KEY_SCAN_NODE_TABLE', 'PROJECTION', 'FILTER'],
  ...['FLATTEN', 'LIMIT', 'SKIP', 'MULTIPLICITY_REDUCER', 'HASH_JOIN_BUILD', 'HASH_JOIN_PROBE'],
  ...['ORDER_BY', 'ORDER_BY_MERGE', 'ORDER_BY_SCAN', 'TOP_K', 'TOP_K_SCAN'],
]);
/** What stands around the plan of a query whose result goes to a file. */
const COPYING = ['RESULT_COLLECTOR', 'TABLE_FUNCTION_CALL', 'COPY_TO'];

export interface FileWanted {
  /** A statement that has run as it is, alone: so it is one query, and the engine found it to be reading only. */
  statement: string;
  parameters: Record<string, LbugValue>;
  columns: QueryColumn[];
  rows: number;
  file: string;
  timeoutMs: number;
}

/** Whether a result might be written by {@link writeResultFile}: properties of what was matched, each once, and nothing else. */
export function mayBeFile(statement: string, columns: QueryColumn[]): boolean {
  const names = new Set(columns.map(({ name }) => name.toLowerCase()));
  if (names.size < columns.length || !columns.every(({ type }) => isExact(type))) return false;
  if (renames(statement)) return false;
  const projections = projectionsOf(statement);
  if (projections?.length !== 1) return false;
  const properties = projections[0].items.map(({ expression }) => propertyOf(expression));
  // The engine writes one value for two columns, or the wrong one, where they have the same expression.
  return !properties.includes(undefined) && new Set(properties).size === columns.length;
}

/**
 * Has the engine itself write the result as Parquet, in a fraction of the time that its rows would take. The size of the
 * file in bytes, or undefined where the engine does not do that, or not in the way it answers: it has been seen to leave out
 * a LIMIT, and to write fewer values than rows. Such a file must not be used.
 */
export async function writeResultFile(lane: Lane, wanted: FileWanted): Promise<number | undefined> {
  const { statement, parameters, columns, rows, file, timeoutMs } = wanted;
  const copying = copyOf(statement, file);
  const plan = operatorsOf(await lane.planOf(statement, parameters));
  if (!plan.every((operator) => PLAIN_OPERATORS.has(operator))) return undefined;
  const copyPlan = await copyPlanOf(lane, copying, parameters);
  if (copyPlan?.join() !== [...COPYING, ...plan.slice(1)].join()) return undefined;
  try {
    await lane.run(copying, parameters, timeoutMs);
  } catch (error) {
    throw new Error((error as Error).message.split(file).join('the result'), { cause: error });
  }
  const written = await readParquetCounts(file);
  const complete = written.groups.every(
    (group) => group.values.length === columns.length && group.values.every((values) => values === group.rows),
  );
  return complete && written.rows === rows ? (await stat(file)).size : undefined;
}

/** Undefined where the query cannot stand inside the clause, as one that is to be explained. */
async function copyPlanOf(
  lane: Lane,
  copying: string,
  parameters: FileWanted['parameters'],
): Promise<string[] | undefined> {
  try {
    return operatorsOf(await lane.planOf(copying, parameters));
  } catch (error) {
    if (error instanceof HostFailure && error.code === 'query_invalid') return undefined;
    throw error;
  }
}

/**
 * The query inside a clause of its own. As it is a whole query alone, by the engine's own reading, nothing in it can end the
 * parenthesis early or swallow what follows: a comment at its end stops at the line's.
 */
function copyOf(statement: string, file: string): string {
  const tokens = tokenize(statement);
  const last = tokens.findLast(({ text, kind }) => !(kind === 'mark' && text === ';'));
  return `COPY (${statement.slice(0, last?.end)}\n) TO ${quoteText(file)}`;
}

function isExact(type: string): boolean {
  const parsed = parseType(type);
  return parsed.kind === 'scalar' && EXACT.has(parsed.name);
}

/** `variable.property`, however it is written. */
function propertyOf(expression: string): string | undefined {
  const [variable, dot, property, ...more] = tokenize(expression);
  const isName = (token?: { kind: string }): boolean => token?.kind === 'word' || token?.kind === 'quoted';
  if (!isName(variable) || dot?.text !== '.' || !isName(property) || more.length > 0) return undefined;
  return `${variable.text}.${property.text}`.toLowerCase();
}

/** After WITH or UNWIND two names may stand for one thing. */
function renames(statement: string): boolean {
  const words = tokenize(statement).filter(({ kind }) => kind === 'word');
  return words.some(
    ({ text }, at) => text === 'UNWIND' || (text === 'WITH' && !['STARTS', 'ENDS'].includes(words[at - 1]?.text)),
  );
}
