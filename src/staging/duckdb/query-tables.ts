import { type DuckDBPreparedStatement, type DuckDBResult, type Json } from '@duckdb/node-api';
import { duckdbType } from './duckdb-types';
import { literal, quoted } from './sql-text';
import type { DuckDbSession } from './duckdb-session';
import { exactJson } from './exact-json';
import { inTime, millisecondsSince } from './in-time';
import type { QueryJob, QueryResult, QueryTable } from './messages';
import { guardSql } from './sql-guard';
import { TaskError } from './task-error';

/** Runs one SELECT of a user over the staging tables of a graph, and returns a page of its rows. */
export async function queryTables(session: DuckDbSession, job: QueryJob): Promise<QueryResult> {
  const started = performance.now();
  for (const table of job.tables) await session.run(`create view ${quoted(table.table)} as ${sourceOf(table)}`);
  await guardSql(
    session,
    job.sql,
    job.tables.map(({ table }) => table),
  );
  return inTime(session, job.timeoutMs, async () => {
    const statement = await session.prepare(job.sql);
    bind(statement, job.parameters);
    const result = await statement.stream();
    const page = await readPage(result, job);
    const columns = result.columnNames().map((name, index) => ({ name, type: String(result.columnTypes()[index]) }));
    return { columns, ...page, executionMs: millisecondsSince(started) };
  });
}

/** The rows as they were staged; a column that not all files have, or not all with one type, is null or text in some. */
export function sourceOf({ parts, columns }: QueryTable): string {
  if (parts.length > 0) {
    return `select * from read_parquet([${parts.map(literal).join(', ')}], union_by_name = true)`;
  }
  const empty = columns.map(({ name, type }) => `cast(null as ${duckdbType(type)}) as ${quoted(name)}`);
  return `select ${empty.join(', ')} where false`;
}

function bind(statement: DuckDBPreparedStatement, parameters: Json[]): void {
  if (parameters.length !== statement.parameterCount) {
    const message = `The SQL has ${statement.parameterCount} parameters, and ${parameters.length} were given`;
    throw new TaskError({ code: 'sql_invalid', message });
  }
  parameters.forEach((value, at) => {
    const index = at + 1;
    if (value === null) statement.bindNull(index);
    else if (typeof value === 'boolean') statement.bindBoolean(index, value);
    else if (typeof value === 'string') statement.bindVarchar(index, value);
    else if (typeof value === 'number' && Number.isSafeInteger(value)) statement.bindBigInt(index, BigInt(value));
    else if (typeof value === 'number') statement.bindDouble(index, value);
    else {
      const message = `Parameter ${index} must be text, a number, true, false or null`;
      throw new TaskError({ code: 'sql_invalid', message });
    }
  });
}

/** Reads no further than to the end of the page, and one row more to know whether there is more. */
async function readPage(
  result: DuckDBResult,
  { offset, limit, maxBytes }: QueryJob,
): Promise<Pick<QueryResult, 'rows' | 'truncated'>> {
  const rows: Json[][] = [];
  let bytes = 0;
  let seen = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return { rows, truncated: false };
    seen += chunk.rowCount;
    if (seen <= offset) continue;
    const first = Math.max(0, chunk.rowCount - (seen - offset));
    for (const row of chunk.convertRows(exactJson).slice(first)) {
      bytes += JSON.stringify(row).length;
      if (rows.length === limit || (bytes > maxBytes && rows.length > 0)) return { rows, truncated: true };
      rows.push(row);
    }
  }
}
