import { literal } from './sql-text';
import { checkNames } from './csv-dialect';
import { type DuckDbSession, textOf } from './duckdb-session';
import { endsAsList, locateJsonFault } from './json-fault';
import type { FileLimits, StageJob, StageResult } from './messages';
import { knownFormat, type Upload } from './open-upload';
import { malformed } from './task-error';
import { writePart } from './write-part';

const MOST_COLUMNS = 2_000;
const MOST_RECORD_MB = 16;

/**
 * Reads a list of objects, or objects one after another (NDJSON). Each key that any of them has is a column; values are
 * taken as they are written, so that long numbers keep their digits, and nested ones stay JSON text.
 */
export async function stageJson(
  session: DuckDbSession,
  job: StageJob,
  upload: Upload,
  limits: FileLimits,
): Promise<StageResult> {
  const isList = checkHead(upload.head);
  if (isList && upload.readAs === 'none' && !(await endsAsList(upload.path)))
    throw malformed('The file is not well-formed JSON: its list does not end. If it was cut off, upload it again');
  const options = [
    `format = '${isList ? 'array' : 'auto'}'`,
    `maximum_object_size = ${MOST_RECORD_MB * 1_048_576}`,
    ...(upload.readAs === 'zstd' ? [`compression = 'zstd'`] : []),
  ].join(', ');
  const path = literal(upload.path);
  try {
    await session.run(
      `create temp view docs as select row_number() over () as n, json, json_keys(json) as keys
       from read_json_objects(${path}, ${options})`,
    );
    const columns = await columnsOf(session);
    const typed = columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
    // Without a single key there is nothing to read, and perhaps not a record.
    if (columns.length === 0) throw malformed('The file has no records with values');
    await session.run(
      `create temp table json as select * from read_json(${path}, ${options}, columns = {${typed}}, records = true)`,
    );
    const written = await writePart(session, job, { table: 'json', columns, limits, upload });
    const format = isList ? ('json' as const) : ('ndjson' as const);
    return {
      ...written,
      written: true,
      content: { format, compression: upload.compression, encoding: upload.encoding },
    };
  } catch (error) {
    const { message } = error as Error;
    if (/maximum_object_size|object size/i.test(message)) {
      throw malformed(`A record of the file is larger than ${MOST_RECORD_MB} MB`);
    }
    if (!/^Invalid Input Error/.test(message)) throw error;
    const problem = upload.readAs === 'none' ? await locateJsonFault(upload.path, isList) : undefined;
    throw malformed('The file is not well-formed JSON', problem && [problem]);
  }
}

/** Whether the file is one list; refuses what does not begin as JSON. */
function checkHead(head: Buffer): boolean {
  const text = head
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart();
  if (text === '') throw malformed('The file is empty; a JSON file holds a list of objects, or an object on each line');
  const other = knownFormat(head);
  if (other) throw malformed(`The file is ${other}, not JSON. Upload it as what it is`);
  if (text.startsWith('[') || text.startsWith('{')) return text.startsWith('[');
  const what = head.includes(0) ? 'holds binary data' : 'looks like text (perhaps CSV)';
  throw malformed(`The file ${what}, not JSON. Upload it as what it is`);
}

/** Every key of any record, in the order of their first appearance. */
async function columnsOf(session: DuckDbSession): Promise<string[]> {
  const [faults] = await session.rows(
    `select min(n) filter (json_type(json) <> 'OBJECT') as other,
       min(n) filter (len(list_distinct(list_transform(keys, lambda key: lower(key)))) <> len(keys)) as twice from docs`,
  );
  if (faults.other !== null) {
    throw malformed('The file must hold objects only', [
      { line: null, column: null, message: `record ${textOf(faults.other)} is none` },
    ]);
  }
  if (faults.twice !== null) {
    throw malformed('Keys must differ (upper and lower case are the same)', [
      { line: null, column: null, message: `record ${textOf(faults.twice)} has one twice` },
    ]);
  }
  const rows = await session.rows(
    `select key, min(n) as first, min(position) as place
     from (select n, unnest(keys) as key, generate_subscripts(keys, 1) as position from docs)
     group by key order by first, place limit ${MOST_COLUMNS + 1}`,
  );
  if (rows.length > MOST_COLUMNS) throw malformed(`The records have more than ${MOST_COLUMNS} different keys`);
  const columns = rows.map(({ key }) => textOf(key));
  checkNames(columns);
  return columns;
}
