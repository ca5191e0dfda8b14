import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { FileProblem } from './task-error';

/** A list is parsed as a whole to find its fault; beyond this that would take too much memory. */
const MOST_LIST_BYTES = 64 * 1_048_576;
const TAIL_BYTES = 4_096;

/** Where a text stops being JSON; undefined where that cannot be told. Slow, and only for files that DuckDB refused. */
export async function locateJsonFault(path: string, isList: boolean): Promise<FileProblem | undefined> {
  return isList ? inList(path) : inLines(path);
}

/** False for a list that is cut off behind one of its records, which DuckDB takes for whole. */
export async function endsAsList(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(TAIL_BYTES),
      0,
      TAIL_BYTES,
      Math.max(0, size - TAIL_BYTES),
    );
    const tail = buffer.subarray(0, bytesRead).toString('utf8').trimEnd();
    return tail === '' || tail.endsWith(']');
  } finally {
    await file.close();
  }
}

async function inList(path: string): Promise<FileProblem | undefined> {
  if ((await stat(path)).size > MOST_LIST_BYTES) return undefined;
  const text = await readFile(path, 'utf8');
  const reason = faultOf(text);
  if (reason === undefined) return undefined;
  const at = Number(/position (\d+)/.exec(reason)?.[1] ?? text.length);
  return { line: text.slice(0, at).split('\n').length, column: null, message: inWords(reason) };
}

async function inLines(path: string): Promise<FileProblem | undefined> {
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() === '') continue;
    const reason = text.includes('\ufffd') ? 'bytes that are not UTF-8' : faultOf(text.replace(/^\ufeff/, ''));
    if (reason !== undefined) return { line, column: null, message: inWords(reason) };
  }
  return undefined;
}

function faultOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** V8 quotes the text at the fault; that can be long, and the line says enough. */
function inWords(reason: string): string {
  if (/Unexpected end|Unterminated/.test(reason)) return 'the record does not end';
  const token = /Unexpected token (.|'.')/.exec(reason)?.[1];
  return token ? `unexpected ${token}` : reason.replace(/,? ?"?\.\.\..*$| in JSON.*$| is not valid JSON$/s, '');
}
