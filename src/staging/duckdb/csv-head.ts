import { open } from 'node:fs/promises';
import { malformed } from './task-error';

/** A header line must end within this. */
const HEAD_BYTES = 256 * 1024;
const DELIMITERS = [',', ';', '\t', '|'];

/** Formats that are told from CSV by their first bytes. */
const KNOWN: [string, Buffer][] = [
  ['a Parquet file', Buffer.from('PAR1')],
  ['compressed with gzip', Buffer.from([0x1f, 0x8b])],
  ['compressed with zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['a ZIP archive (or spreadsheet)', Buffer.from('PK\x03\x04', 'latin1')],
];

export interface CsvHead {
  delimiter: string;
  /** Names from the header line, blanks at their ends removed. */
  columns: string[];
}

/** The first bytes of a file. */
export async function readHead(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** What the bytes are, in words that follow "The file is", or undefined where it may be text. */
export function knownFormat(head: Buffer): string | undefined {
  return KNOWN.find(([, magic]) => head.subarray(0, magic.length).equals(magic))?.[0];
}

/** Finds delimiter and column names of a CSV text. Throws `file_malformed` where the bytes are no CSV with a header. */
export function csvHead(head: Buffer): CsvHead {
  if (head.length === 0) throw malformed('The file is empty; a CSV file begins with a line of column names');
  const other = knownFormat(head);
  if (other) throw malformed(`The file is ${other}, not CSV. Upload it as what it is`);
  if (head.includes(0)) {
    throw malformed('The file holds binary data or UTF-16 text, not CSV. Save it as CSV in UTF-8');
  }
  const text = new TextDecoder('utf-8').decode(head);
  const line = headerLine(text);
  if (line === undefined) {
    throw malformed('The line of column names does not end', [
      { line: 1, column: null, message: `no end of line within ${HEAD_BYTES} bytes, or a quote that is never closed` },
    ]);
  }
  if (line.includes('\ufffd')) {
    throw malformed('The column names are not UTF-8. Save the file as CSV in UTF-8');
  }
  if (/^\s*[[{]/.test(line)) throw malformed('The file looks like JSON, not CSV. Upload CSV or Parquet');
  const delimiter = mostFrequent(line);
  const columns = splitLine(line, delimiter).map((name) => name.trim());
  checkNames(columns);
  return { delimiter, columns };
}

/** The first line that is not empty, line ends inside quotes included; undefined where it does not end. */
function headerLine(text: string): string | undefined {
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"') quoted = !quoted;
    else if (!quoted && (text[at] === '\n' || text[at] === '\r')) return text.slice(0, at);
  }
  return quoted || Buffer.byteLength(text) >= HEAD_BYTES ? undefined : text;
}

/** Commas win a draw, and a line with none of them is a single column. */
function mostFrequent(line: string): string {
  const counts = DELIMITERS.map((delimiter) => splitLine(line, delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}

function splitLine(line: string, delimiter: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at];
    if (character === '"') {
      if (quoted && line[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = !quoted;
    } else if (character === delimiter && !quoted) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  return [...fields, field];
}

function checkNames(columns: string[]): void {
  const seen = new Set<string>();
  columns.forEach((name, index) => {
    const wrong =
      name === ''
        ? `column ${index + 1} has no name`
        : seen.has(name.toLowerCase())
          ? `the name "${name}" stands twice (upper and lower case are the same)`
          : undefined;
    if (wrong) throw malformed('The column names cannot be used', [{ line: 1, column: null, message: wrong }]);
    seen.add(name.toLowerCase());
  });
}
