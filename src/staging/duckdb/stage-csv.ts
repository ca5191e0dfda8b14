import { literal } from './sql-text';
import { csvDialect } from './csv-dialect';
import { type DuckDbSession, type Row, textOf } from './duckdb-session';
import type { CsvDialect, CsvOptions, FileLimits, StageJob, StageResult } from './messages';
import type { Upload } from './open-upload';
import { type FileProblem, malformed } from './task-error';
import { writePart } from './write-part';

const MOST_PROBLEMS = 20;

/** Reads CSV; a line that cannot be split into the fields of the header makes the whole file malformed. */
export async function stageCsv(
  session: DuckDbSession,
  job: StageJob,
  upload: Upload,
  limits: FileLimits,
): Promise<StageResult> {
  const dialect = await csvDialect(session, upload, job.csv ?? {});
  const source = `read_csv(${literal(upload.path)}, ${readOptions(dialect, job.csv ?? {}, upload)})`;
  try {
    await session.run(`create temp table csv as select * from ${source}`);
  } catch (error) {
    if (!/^(Invalid Input|IO|Invalid|Conversion) ?(Input)? ?Error/.test((error as Error).message)) throw error;
    // DuckDB's own words name files of ours and options that users do not have.
    throw malformed('The file is not text in rows and columns, so it cannot be read as CSV');
  }
  await refuseRejects(session, dialect.header);
  const written = await writePart(session, job, { table: 'csv', columns: dialect.columns, limits, upload });
  const { delimiter, quote, escape, header } = dialect;
  const content = { format: 'csv' as const, compression: upload.compression, encoding: upload.encoding };
  return { ...written, written: true, content: { ...content, csv: { delimiter, quote, escape, header } } };
}

function readOptions(dialect: CsvDialect, { nullValues }: CsvOptions, { readAs }: Upload): string {
  return [
    `columns = {${dialect.columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')}}`,
    `delim = ${literal(dialect.delimiter)}`,
    `quote = ${literal(dialect.quote)}`,
    `escape = ${literal(dialect.escape)}`,
    `header = ${dialect.header}`,
    `skip = ${dialect.skip}`,
    // Without it an empty field is no value.
    ...(nullValues === undefined ? [] : [`nullstr = [${nullValues.map(literal).join(', ')}]`]),
    ...(readAs === 'zstd' ? [`compression = 'zstd'`] : []),
    'auto_detect = false',
    'strict_mode = true',
    'store_rejects = true',
    `rejects_limit = ${MOST_PROBLEMS}`,
  ].join(', ');
}

/** DuckDB writes down the lines that it could not split into fields; one of them is one too many. */
async function refuseRejects(session: DuckDbSession, header: boolean): Promise<void> {
  const rows = await session.rows(
    `select line, column_name, error_type, error_message from reject_errors order by line limit ${MOST_PROBLEMS}`,
  );
  if (rows.length === 0) return;
  const wanted = header ? 'the header has' : 'there should be';
  throw malformed(
    'The file is not well-formed CSV',
    rows.map((row) => problemOf(row, wanted)),
  );
}

function problemOf(row: Row, wanted: string): FileProblem {
  const expected = /Columns: (\d+) Found: (\d+)/.exec(textOf(row.error_message));
  const messages: Record<string, string> = {
    'MISSING COLUMNS': `${expected?.[2]} fields where ${wanted} ${expected?.[1]}`,
    'TOO MANY COLUMNS': `${expected?.[2]} fields where ${wanted} ${expected?.[1]}`,
    'UNQUOTED VALUE': 'a quote that is not closed, or text after a closing quote',
    'INVALID ENCODING': 'bytes that are not UTF-8; say the encoding of the file (csv.encoding), or save it in UTF-8',
    'LINE SIZE OVER MAXIMUM': 'a line that is longer than 2 MB',
  };
  return {
    line: Number(row.line),
    column: row.column_name === null ? null : textOf(row.column_name),
    message: messages[textOf(row.error_type)] ?? 'the line cannot be read',
  };
}
