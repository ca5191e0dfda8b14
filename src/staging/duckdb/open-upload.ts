import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TextDecoder } from 'node:util';
import * as zlib from 'node:zlib';
import { literal } from './sql-text';
import { type DuckDbSession, textOf } from './duckdb-session';
import type { FileLimits, StageJob } from './messages';
import { malformed, TaskError } from './task-error';

/** A header line must end within this. */
export const HEAD_BYTES = 256 * 1024;

/** Formats that are told from text by their first bytes. */
const KNOWN: [string, Buffer][] = [
  ['a Parquet file', Buffer.from('PAR1')],
  ['an encrypted Parquet file', Buffer.from('PARE')],
  ['compressed with gzip', Buffer.from([0x1f, 0x8b])],
  ['compressed with zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['a ZIP archive (or spreadsheet)', Buffer.from('PK\x03\x04', 'latin1')],
];
const BYTE_ORDER_MARKS: [string, Buffer][] = [
  ['utf-16le', Buffer.from([0xff, 0xfe])],
  ['utf-16be', Buffer.from([0xfe, 0xff])],
];

export type Compression = 'none' | 'gzip' | 'zstd';

/** Uploaded bytes as DuckDB can read them. */
export interface Upload {
  path: string;
  /** What the upload was compressed with; it is undone before, but zstd of text while DuckDB reads. */
  compression: Compression;
  /** What DuckDB must undo. */
  readAs: 'none' | 'zstd';
  encoding: string;
  /** The first bytes of the content; of a file in zstd its first lines. */
  head: Buffer;
}

/**
 * Undoes compression and foreign encodings, so that what follows sees plain text or Parquet. Throws `file_malformed` where
 * the bytes are damaged, `file_too_large` where they inflate to more than the job allows.
 */
export async function openUpload(
  session: DuckDbSession,
  job: StageJob,
  { maxInflatedBytes }: FileLimits,
): Promise<Upload> {
  const first = await readHead(job.input);
  const compression: Compression = startsAs(first, 'compressed with gzip')
    ? 'gzip'
    : startsAs(first, 'compressed with zstd')
      ? 'zstd'
      : 'none';
  if (compression === 'zstd' && job.format !== 'parquet') {
    const head = await headOfZstd(session, job.input);
    return { path: job.input, compression, readAs: 'zstd', encoding: 'utf-8', head };
  }
  let path = job.input;
  if (compression !== 'none') path = await inflate(path, compression, maxInflatedBytes);
  let head = compression === 'none' ? first : await readHead(path);
  const inside = knownFormat(head);
  if (compression !== 'none' && inside?.startsWith('compressed with')) {
    throw malformed(
      `What was compressed with ${compression} is itself ${inside}. Compress the file once, or upload it as it is`,
    );
  }
  const encoding = job.csv?.encoding ?? byteOrderMark(head) ?? 'utf-8';
  if (job.format !== 'parquet' && encoding !== 'utf-8') {
    const plain = await transcode(path, encoding);
    if (path !== job.input) await rm(path);
    path = plain;
    head = await readHead(path);
  }
  return { path, compression, readAs: 'none', encoding, head };
}

/** What the bytes are, in words that follow "The file is", or undefined where they may be text. */
export function knownFormat(head: Buffer): string | undefined {
  return KNOWN.find(([, magic]) => head.subarray(0, magic.length).equals(magic))?.[0];
}

function startsAs(head: Buffer, what: string): boolean {
  return knownFormat(head) === what;
}

function byteOrderMark(head: Buffer): string | undefined {
  return BYTE_ORDER_MARKS.find(([, mark]) => head.subarray(0, mark.length).equals(mark))?.[0];
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A little gzip can hold very much; the first byte too many ends it. */
async function inflate(path: string, compression: 'gzip' | 'zstd', maxBytes: number): Promise<string> {
  const target = `${path}.inflated`;
  let bytes = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(inflatesTooFar(maxBytes));
      else done(null, chunk);
    },
  });
  try {
    await pipeline(createReadStream(path), decompressor(compression), limit, createWriteStream(target));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'Z_BUF_ERROR') {
      throw malformed(`The ${compression} file is cut off: its end is missing. Upload it again`);
    }
    if (/^Z(STD)?_/.test(code ?? ''))
      throw malformed(`The ${compression} file is damaged. Compress and upload it again`);
    throw error;
  }
  return target;
}

function decompressor(compression: 'gzip' | 'zstd'): Transform {
  if (compression === 'gzip') return zlib.createGunzip();
  // Not in every version of Node that the platform runs on, nor in its types.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  if (createZstdDecompress) return createZstdDecompress();
  throw malformed(
    'A Parquet file that is compressed with zstd as a whole can only be read where the platform runs on Node 22.15 or newer. ' +
      'Upload it as it is (Parquet is compressed inside), or compressed with gzip',
  );
}

export function inflatesTooFar(maxBytes: number): TaskError {
  const mb = Math.floor(maxBytes / 1_048_576);
  const message = `The file inflates to more than ${mb} MB (STAGING_MAX_INFLATED_MB). Split it, or ask the operator for a higher limit`;
  return new TaskError({ code: 'file_too_large', message });
}

async function transcode(path: string, encoding: string): Promise<string> {
  const target = `${path}.utf8`;
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        done(null, Buffer.from(decoder.decode(chunk, { stream: true })));
      } catch {
        done(malformed(`The file is not text in ${encoding}`));
      }
    },
    flush(done) {
      try {
        done(null, Buffer.from(decoder.decode()));
      } catch {
        done(malformed(`The file is not text in ${encoding}: its last character is cut off`));
      }
    },
  });
  await pipeline(createReadStream(path), decode, createWriteStream(target));
  return target;
}

/** The first lines, read as one column that no character ends. */
async function headOfZstd(session: DuckDbSession, path: string): Promise<Buffer> {
  try {
    const rows = await session.rows(
      `select line from read_csv(${literal(path)}, compression = 'zstd', columns = {line: 'VARCHAR'}, delim = '\x01',
         quote = '', escape = '', header = false, auto_detect = false, strict_mode = false, max_line_size = ${HEAD_BYTES})
       limit 100`,
    );
    return Buffer.from(rows.map(({ line }) => textOf(line ?? '')).join('\n') + (rows.length > 0 ? '\n' : ''));
  } catch (error) {
    if (/maximum line size/i.test((error as Error).message)) return Buffer.alloc(HEAD_BYTES, 'x');
    throw malformed(
      'The zstd file is damaged, or what it holds is not text in UTF-8. Compress the text itself, in UTF-8, and upload it again',
    );
  }
}
