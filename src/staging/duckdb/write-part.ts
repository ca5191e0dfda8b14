import { castTo } from './casts';
import { literal, quoted } from './sql-text';
import type { DuckDbSession } from './duckdb-session';
import type { FileLimits, StagedColumn, StageJob } from './messages';
import { inflatesTooFar, type Upload } from './open-upload';
import { TaskError } from './task-error';

/**
 * Writes the rows of a temporary table of text columns as the part. A column becomes what the schema asks for when every
 * value fits it exactly, else it stays text: its bad rows are told later, by row, when the table is prepared. Row n of the
 * part is row n of the file. Throws `file_too_large` for more than the limits allow.
 */
export async function writePart(
  session: DuckDbSession,
  { output, types, csv }: StageJob,
  { table, columns, limits, upload }: { table: string; columns: string[]; limits: FileLimits; upload: Upload },
): Promise<{ rows: number; columns: StagedColumn[] }> {
  const casts = columns.map((name) => {
    const type = types[name.toLowerCase()];
    return { name, cast: type ? castTo(quoted(name), 'VARCHAR', type, csv) : { sql: quoted(name), canFail: false } };
  });
  const misfits = casts.map(({ name, cast }, index) => `count(${quoted(name)}) - count(${cast.sql}) as m${index}`);
  const counts = await session.numbers(`select count(*) as rows, ${misfits.join(', ')} from ${table}`);
  requireRows(counts.rows, limits.maxRows);
  if (upload.readAs === 'zstd') await requireText(session, table, columns, limits.maxInflatedBytes);
  const selected = casts.map(({ name, cast }, index) =>
    counts[`m${index}`] === 0 ? `${cast.sql} as ${quoted(name)}` : quoted(name),
  );
  const select = `select ${selected.join(', ')} from ${table}`;
  await session.run(`copy (${select}) to ${literal(output)} (format parquet, compression snappy)`);
  return { rows: counts.rows, columns: await session.columns(select) };
}

/** Throws {@link TaskError} `file_too_large`. */
export function requireRows(rows: number, maxRows: number): void {
  if (rows <= maxRows) return;
  const message = `The file has ${rows} rows; one file may have at most ${maxRows} (STAGING_MAX_ROWS). Split it`;
  throw new TaskError({ code: 'file_too_large', message });
}

/** What was inflated while it was read can only be measured now. Throws {@link TaskError} `file_too_large`. */
async function requireText(session: DuckDbSession, table: string, columns: string[], maxBytes: number): Promise<void> {
  const length = columns.map((name) => `coalesce(sum(strlen(${quoted(name)})), 0)`).join(' + ');
  const { bytes } = await session.numbers(`select ${length} as bytes from ${table}`);
  if (bytes > maxBytes) throw inflatesTooFar(maxBytes);
}
