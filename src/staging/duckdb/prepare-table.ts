import { literal } from './sql-text';
import type { DuckDbSession } from './duckdb-session';
import type { PrepareTable } from './messages';
import type { PartSource } from './part-source';
import { rejectRows } from './reject-rows';
import { keysOf, type Prepared, type PrepareContext, roleColumn, writeRows } from './table-files';

/** What the engine's reader is known to take as it is. */
const PLAIN_PARQUET = {
  encodings: ['PLAIN', 'RLE', 'RLE_DICTIONARY', 'PLAIN_DICTIONARY'],
  compressions: ['UNCOMPRESSED', 'SNAPPY', 'ZSTD', 'GZIP'],
};

/**
 * One table. A clean one costs a counting scan and, unless its parts already are what the engine wants, one rewrite.
 * Only where the counts show a fault are rows looked at one by one ({@link rejectRows}).
 */
export async function prepareTable(
  session: DuckDbSession,
  source: PartSource,
  context: PrepareContext,
): Promise<Prepared> {
  const { table } = source;
  const nothing = {
    table: table.table,
    kind: table.kind,
    rowsLoaded: 0,
    rowsRejected: 0,
    rowsReplaced: 0,
    reasons: {},
  };
  if (table.parts.length === 0) return { ...nothing, files: [], rejectsFile: null, samples: [] };
  const { rows, faults } = await session.numbers(countSql(source, context));
  if (faults > 0) return rejectRows(session, source, context, rows);
  const prepared = { ...nothing, rowsLoaded: rows, rejectsFile: null, samples: [] };
  if (rows === 0) return { ...prepared, files: [] };
  if (source.isTyped && (await arePlain(session, table))) {
    return { ...prepared, files: table.parts.map(({ path }) => path) };
  }
  return { ...prepared, files: [await writeRows(session, table, source.select(), context.output)] };
}

/** Rows, and how many faults there are at least: zero exactly when every row is good. */
function countSql(source: PartSource, context: PrepareContext): string {
  const { table } = source;
  const required = table.columns.flatMap((column, at) => (column.required ? [`c${at} is null`] : []));
  const faulty = `count_if(misfit${required.map((one) => ` or ${one}`).join('')})`;
  const from = `(${source.select()}) as rows`;
  if (table.kind === 'node') {
    const key = roleColumn(table, 'key');
    return `select count(*) as rows, ${faulty} + count(*) - count(distinct ${key}) as faults from ${from}`;
  }
  const [start, end] = [roleColumn(table, 'from'), roleColumn(table, 'to')];
  return `select count(*) as rows, ${faulty} + count_if(starts.key is null) + count_if(ends.key is null) as faults
    from ${from}
    left join (${keysOf(source, 'from', context)}) as starts on rows.${start} = starts.key
    left join (${keysOf(source, 'to', context)}) as ends on rows.${end} = ends.key`;
}

async function arePlain(session: DuckDbSession, table: PrepareTable): Promise<boolean> {
  const files = table.parts.map(({ path }) => literal(path)).join(', ');
  const list = (words: string[]) => words.map(literal).join(', ');
  const { odd } = await session.numbers(
    `select count_if(compression not in (${list(PLAIN_PARQUET.compressions)})
       or not list_has_all([${list(PLAIN_PARQUET.encodings)}], string_split(replace(encodings, ' ', ''), ','))) as odd
     from parquet_metadata([${files}])`,
  );
  const { foreign } = await session.numbers(
    `select count_if(created_by is null or created_by not like 'DuckDB%') as "foreign" from parquet_file_metadata([${files}])`,
  );
  return odd + foreign === 0;
}
