import { literal } from './sql-text';
import { type DuckDbSession, textOf } from './duckdb-session';
import type { CsvDialect, CsvOptions } from './messages';
import { HEAD_BYTES, knownFormat, type Upload } from './open-upload';
import { malformed } from './task-error';

const DELIMITERS = [',', ';', '\t', '|'];

/** Finds out how a CSV text is written, where `options` do not say. Throws `file_malformed` where it is no CSV. */
export async function csvDialect(session: DuckDbSession, upload: Upload, options: CsvOptions): Promise<CsvDialect> {
  const text = csvText(upload.head);
  const sniffed = await sniff(session, upload, options);
  // A line of names with an apostrophe must not make apostrophes quotes.
  const quote = options.quote ?? (sniffed?.quote === "'" && !text.includes('"') ? "'" : '"');
  const escape = options.escape ?? (sniffed?.escape === '\\' ? '\\' : quote);
  const line = firstLine(text, quote);
  const delimiter = options.delimiter ?? delimiterOf(line, quote, sniffed?.delimiter);
  const header = options.header ?? true;
  const fields = splitLine(line, delimiter, quote).map((name) => name.trim());
  const columns = header ? fields : (options.columnNames ?? fields.map((_field, index) => `column${index}`));
  checkNames(columns);
  return { delimiter, quote, escape, header, columns, skip: blankLines(text) };
}

function csvText(head: Buffer): string {
  if (head.length === 0) throw malformed('The file is empty; a CSV file begins with a line of column names');
  const other = knownFormat(head);
  if (other) throw malformed(`The file is ${other}, not CSV. Upload it as what it is`);
  if (head.includes(0)) {
    throw malformed(
      'The file holds binary data or text in an unmarked encoding, not CSV. Say its encoding, or save it in UTF-8',
    );
  }
  const text = new TextDecoder('utf-8').decode(head);
  if (/^\s*[[{]\s*["{[\]}]/.test(text))
    throw malformed('The file looks like JSON, not CSV. Upload it as application/json');
  return text;
}

interface Sniffed {
  delimiter: string;
  quote: string;
  escape: string;
}

/** What DuckDB makes of the first rows; undefined where it makes nothing of them. */
async function sniff(session: DuckDbSession, upload: Upload, options: CsvOptions): Promise<Sniffed | undefined> {
  const known = [
    ...(upload.readAs === 'zstd' ? [`compression = 'zstd'`] : []),
    ...(options.delimiter === undefined ? [] : [`delim = ${literal(options.delimiter)}`]),
    ...(options.quote === undefined ? [] : [`quote = ${literal(options.quote)}`]),
    ...(options.escape === undefined ? [] : [`escape = ${literal(options.escape)}`]),
  ];
  const rest = ['all_varchar = true', 'header = true', 'null_padding = true', 'ignore_errors = true'];
  try {
    const [row] = await session.rows(
      `select Delimiter, Quote, Escape from sniff_csv(${literal(upload.path)}, ${[...known, ...rest].join(', ')})`,
    );
    return { delimiter: textOf(row.Delimiter), quote: textOf(row.Quote), escape: textOf(row.Escape) };
  } catch {
    // Malformed files are told of by the reader, which can say where.
    return undefined;
  }
}

/** Empty lines at the beginning; DuckDB would take the first of them for the header. */
function blankLines(text: string): number {
  return /^\ufeff?[\r\n]*/.exec(text)![0].match(/\r\n|\r|\n/g)?.length ?? 0;
}

/** The first line that is not empty, line ends inside quotes included. */
function firstLine(text: string, quote: string): string {
  let quoted = false;
  let end = -1;
  const start = text.search(/[^\r\n]/);
  for (let at = Math.max(start, 0); at < text.length && end < 0; at += 1) {
    if (text[at] === quote) quoted = !quoted;
    else if (!quoted && (text[at] === '\n' || text[at] === '\r')) end = at;
  }
  if (end < 0 && (quoted || Buffer.byteLength(text) >= HEAD_BYTES)) {
    throw malformed('The line of column names does not end', [
      { line: 1, column: null, message: `no end of line within ${HEAD_BYTES} bytes, or a quote that is never closed` },
    ]);
  }
  const line = text.slice(Math.max(start, 0), end < 0 ? undefined : end);
  if (line.includes('\ufffd')) {
    throw malformed('The column names are not UTF-8. Say the encoding of the file, or save it in UTF-8');
  }
  return line;
}

/** DuckDB's choice, unless another one splits the line of names and this one does not. Commas win a draw. */
function delimiterOf(line: string, quote: string, sniffed: string | undefined): string {
  const counts = DELIMITERS.map((delimiter) => splitLine(line, delimiter, quote).length);
  const frequent = DELIMITERS[counts.indexOf(Math.max(...counts))];
  if (sniffed === undefined || !DELIMITERS.includes(sniffed)) return frequent;
  return counts[DELIMITERS.indexOf(sniffed)] > 1 ? sniffed : frequent;
}

function splitLine(line: string, delimiter: string, quote: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at];
    if (character === quote) {
      if (quoted && line[at + 1] === quote) {
        field += quote;
        at += 1;
      } else quoted = !quoted;
    } else if (!quoted && line.startsWith(delimiter, at)) {
      fields.push(field);
      field = '';
      at += delimiter.length - 1;
    } else field += character;
  }
  return [...fields, field];
}

/** Every column has a name of its own, upper and lower case being the same. */
export function checkNames(columns: string[]): void {
  const seen = new Set<string>();
  columns.forEach((name, index) => {
    const key = name.toLowerCase();
    const wrong =
      name === ''
        ? `column ${index + 1} has no name`
        : seen.has(key)
          ? `the name "${name}" stands twice (upper and lower case are the same)`
          : // DuckDB numbers the rows of a file by a column of this name.
            key === 'file_row_number'
            ? 'a column must not be named "file_row_number"; rename it'
            : undefined;
    if (wrong) throw malformed('The column names cannot be used', [{ line: 1, column: null, message: wrong }]);
    seen.add(key);
  });
}
