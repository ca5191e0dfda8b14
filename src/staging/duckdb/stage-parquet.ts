import { copyFile, stat } from 'node:fs/promises';
import { literal } from './sql-text';
import { checkNames } from './csv-dialect';
import type { DuckDbSession } from './duckdb-session';
import type { FileLimits, StageJob, StageResult } from './messages';
import { knownFormat, type Upload } from './open-upload';
import { malformed } from './task-error';
import { requireRows } from './write-part';

/** Every value is read once, so that a damaged block is found now and not in the middle of a load. */
export async function stageParquet(
  session: DuckDbSession,
  job: StageJob,
  upload: Upload,
  { maxRows }: FileLimits,
): Promise<StageResult> {
  await checkMagic(upload);
  const source = `read_parquet(${literal(upload.path)})`;
  try {
    const columns = await session.columns(`select * from ${source}`);
    checkNames(columns.map(({ name }) => name));
    const { rows } = await session.numbers(`select count(*) as rows from ${source}`);
    requireRows(rows, maxRows);
    await session.rows(`select bit_xor(hash(columns(*))) from ${source}`);
    const written = upload.path !== job.input;
    if (written) await copyFile(upload.path, job.output);
    return { rows, columns, written, content: { format: 'parquet', compression: upload.compression } };
  } catch (error) {
    throw unreadable(error);
  }
}

async function checkMagic({ path, head }: Upload): Promise<void> {
  if ((await stat(path)).size === 0)
    throw malformed('The file is empty; a Parquet file has a header even without rows. Write and upload it again');
  const known = knownFormat(head);
  if (known === 'a Parquet file') return;
  if (known === 'an encrypted Parquet file') throw malformed('The Parquet file is encrypted. Decrypt it');
  const what = known ?? (head.includes(0) ? 'something else' : 'text (perhaps CSV or JSON)');
  throw malformed(`The file is ${what}, not Parquet. Upload it as what it is`);
}

/** DuckDB's own words name files of ours; only what helps is passed on. */
function unreadable(error: unknown): unknown {
  const message = error instanceof Error ? error.message : '';
  if (!/^(Invalid Input|IO|Invalid|Conversion|Serialization|TProtocolException|Parser) ?(Input)? ?Error/.test(message))
    return error;
  if (/no space left/i.test(message)) return error;
  if (/No magic bytes found at end|footer/i.test(message)) {
    return malformed('The Parquet file is cut off: its end is missing. Upload it again');
  }
  return malformed('The Parquet file is damaged: a part of its data cannot be read. Write and upload it again');
}
