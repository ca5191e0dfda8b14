import { literal, quoted } from './sql-text';
import type { DuckDbSession } from './duckdb-session';
import type { ExportJob } from './messages';

/** What a table of rejects has, in the order in which people read it. */
export const REJECT_COLUMNS = ['table_name', 'file_id', 'file_name', 'row', 'reason', 'detail', 'data'] as const;

/** Row by row from file to file, so that any number of rows needs little memory. */
export async function exportRejects(
  session: DuckDbSession,
  { parts, filter, format, output }: ExportJob,
): Promise<null> {
  const where = filter.map(({ name, value }) => `${quoted(name)} = ${literal(value)}`).join(' and ') || 'true';
  const form = format === 'csv' ? 'format csv, header' : 'format json';
  await session.run(
    `copy (select ${REJECT_COLUMNS.map(column).join(', ')} from ${source(parts)} where ${where})
     to ${literal(output)} (${form})`,
  );
  return null;
}

/** The row as it was is JSON; as text it is kept to the letter. */
function column(name: string): string {
  return name === 'data' ? 'cast(data as varchar) as data' : quoted(name);
}

function source(parts: string[]): string {
  if (parts.length > 0) return `read_parquet([${parts.map(literal).join(', ')}])`;
  const empty = REJECT_COLUMNS.map((name) => `cast(null as varchar) as ${quoted(name)}`);
  return `(select ${empty.join(', ')} where false)`;
}
