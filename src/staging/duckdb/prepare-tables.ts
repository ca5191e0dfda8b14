import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeColumns } from './column-problems';
import type { DuckDbSession } from './duckdb-session';
import { mergePairs } from './merge-pairs';
import type { PreparedTable, PrepareTable, PrepareJob, PrepareProgress, PrepareResult } from './messages';
import { PartSource } from './part-source';
import { prepareTable } from './prepare-table';
import type { NodeKeys } from './table-files';
import { TaskError } from './task-error';

/**
 * Checks all tables and writes what the engine can load. Whole columns that are missing are reported for all tables at
 * once, before a row is read; those that the schema does not know are left out and named.
 */
export async function prepareTables(
  session: DuckDbSession,
  job: PrepareJob,
  onProgress: (progress: PrepareProgress) => void,
): Promise<PrepareResult> {
  const sources: PartSource[] = [];
  for (const table of job.tables) sources.push(await PartSource.open(session, table));
  const missing = sources.flatMap((source) => source.missing());
  if (missing.length > 0) {
    const { message, problems } = describeColumns('Columns that every row needs are missing', missing);
    throw new TaskError({ code: 'staging_columns_missing', message, details: { problems } });
  }
  const unknown = sources.flatMap((source) => source.unknown());
  await mkdir(join(job.output, 'rejects'), { recursive: true });
  const done: (PreparedTable & Pick<PrepareTable, 'pair'>)[] = [];
  const nodes = new Map<string, NodeKeys>();
  for (const source of sources) {
    const { table } = source.table;
    onProgress({ table, tablesDone: done.length, tablesTotal: sources.length });
    const ignored = unknown.filter((problem) => problem.table === table).flatMap(({ columns }) => columns);
    const prepared = await prepareTable(session, source, { output: job.output, nodes });
    done.push({ ...prepared, pair: source.table.pair, ignoredColumns: [...new Set(ignored)] });
    const key = source.table.columns.find(({ role }) => role === 'key');
    if (key) nodes.set(table, { files: prepared.files, known: source.table.knownKeys ?? [], column: key.name });
  }
  return { tables: await mergePairs(session, done, job.output), unknownColumns: unknown };
}
