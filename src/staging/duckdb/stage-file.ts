import { stat } from 'node:fs/promises';
import { castTo, literal, quoted } from './casts';
import { csvHead, knownFormat, readHead } from './csv-head';
import { type DuckDbSession, type Row, textOf } from './duckdb-session';
import type { StageJob, StageResult } from './messages';
import { type FileProblem, malformed } from './task-error';

const MOST_PROBLEMS = 20;

/** Reads an uploaded file once, wholly, and says what it holds; a CSV is written as Parquet on the way. */
export function stageFile(session: DuckDbSession, job: StageJob): Promise<StageResult> {
  return job.format === 'csv' ? stageCsv(session, job) : stageParquet(session, job);
}

/**
 * A column becomes what the schema asks for when every value fits it exactly, else it stays text: its bad rows are
 * told later, by row, when the table is prepared. Row n of the part is row n of the file.
 */
async function stageCsv(session: DuckDbSession, { input, output, types }: StageJob): Promise<StageResult> {
  const { delimiter, columns } = csvHead(await readHead(input));
  checkReserved(columns);
  const names = columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  const options = `columns = {${names}}, delim = ${literal(delimiter)}, quote = '"', escape = '"', header = true,
    auto_detect = false, strict_mode = true, store_rejects = true, rejects_limit = ${MOST_PROBLEMS}`;
  try {
    await session.run(`create temp table csv as select * from read_csv(${literal(input)}, ${options})`);
  } catch (error) {
    throw unreadable(error, 'CSV');
  }
  await refuseRejects(session);
  const casts = columns.map((name) => {
    const type = types[name.toLowerCase()];
    return { name, cast: type ? castTo(quoted(name), 'VARCHAR', type) : { sql: quoted(name), canFail: false } };
  });
  const misfits = casts.map(({ name, cast }, index) => `count(${quoted(name)}) - count(${cast.sql}) as m${index}`);
  const counts = await session.numbers(`select count(*) as rows, ${misfits.join(', ')} from csv`);
  const selected = casts.map(({ name, cast }, index) =>
    counts[`m${index}`] === 0 ? `${cast.sql} as ${quoted(name)}` : quoted(name),
  );
  const select = `select ${selected.join(', ')} from csv`;
  await session.run(`copy (${select}) to ${literal(output)} (format parquet, compression snappy)`);
  return { rows: counts.rows, columns: await session.columns(select), written: true };
}

/** DuckDB writes down the lines that it could not split into fields; one of them is one too many. */
async function refuseRejects(session: DuckDbSession): Promise<void> {
  const rows = await session.rows(
    `select line, column_name, error_type, error_message from reject_errors order by line limit ${MOST_PROBLEMS}`,
  );
  if (rows.length === 0) return;
  throw malformed('The file is not well-formed CSV', rows.map(problemOf));
}

function problemOf(row: Row): FileProblem {
  const expected = /Columns: (\d+) Found: (\d+)/.exec(textOf(row.error_message));
  const messages: Record<string, string> = {
    'MISSING COLUMNS': `${expected?.[2]} fields where the header has ${expected?.[1]}`,
    'TOO MANY COLUMNS': `${expected?.[2]} fields where the header has ${expected?.[1]}`,
    'UNQUOTED VALUE': 'a quote that is not closed, or text after a closing quote',
    'INVALID ENCODING': 'bytes that are not UTF-8',
    'LINE SIZE OVER MAXIMUM': 'a line that is longer than 2 MB',
  };
  return {
    line: Number(row.line),
    column: row.column_name === null ? null : textOf(row.column_name),
    message: messages[textOf(row.error_type)] ?? 'the line cannot be read',
  };
}

/** Every value is read once, so that a damaged block is found now and not in the middle of a load. */
async function stageParquet(session: DuckDbSession, { input }: StageJob): Promise<StageResult> {
  await checkParquetMagic(input);
  const source = `read_parquet(${literal(input)})`;
  try {
    const columns = await session.columns(`select * from ${source}`);
    checkReserved(columns.map(({ name }) => name));
    const { rows } = await session.numbers(`select count(*) as rows from ${source}`);
    await session.rows(`select bit_xor(hash(columns(*))) from ${source}`);
    return { rows, columns, written: false };
  } catch (error) {
    throw unreadable(error, 'Parquet');
  }
}

async function checkParquetMagic(path: string): Promise<void> {
  const { size } = await stat(path);
  if (size === 0) throw malformed('The file is empty');
  const head = await readHead(path);
  if (head.subarray(0, 4).toString('latin1') === 'PARE') throw malformed('The Parquet file is encrypted. Decrypt it');
  if (head.subarray(0, 4).toString('latin1') !== 'PAR1') {
    const what = knownFormat(head) ?? (head.includes(0) ? 'something else' : 'text (perhaps CSV or JSON)');
    throw malformed(`The file is ${what}, not Parquet. Upload it as what it is`);
  }
}

/** DuckDB numbers the rows of a file by a column of this name. */
function checkReserved(names: string[]): void {
  if (!names.some((name) => name.toLowerCase() === 'file_row_number')) return;
  throw malformed('A column must not be named "file_row_number". Rename it');
}

/** DuckDB's own words name files of ours and options that users do not have; only what helps is passed on. */
function unreadable(error: unknown, format: 'CSV' | 'Parquet'): unknown {
  const message = error instanceof Error ? error.message : '';
  if (!/^(Invalid Input|IO|Invalid|Conversion|Serialization|TProtocolException|Parser) ?(Input)? ?Error/.test(message))
    return error;
  if (/no space left/i.test(message)) return error;
  if (/No magic bytes found at end|footer/i.test(message)) {
    return malformed('The Parquet file is cut off: its end is missing. Upload it again');
  }
  if (format === 'CSV') return malformed('The file is not text in rows and columns, so it cannot be read as CSV');
  return malformed('The Parquet file is damaged: a part of its data cannot be read. Write and upload it again');
}
