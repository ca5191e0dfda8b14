import type { ColumnProblem } from './messages';

const MOST_DETAILS = 100;

/** What is wrong with columns, in words, and by file. */
export function describeColumns(what: string, all: ColumnProblem[]): { message: string; problems: object[] } {
  const named = all
    .slice(0, 5)
    .map(({ table, fileName, columns }) => `${columns.join(', ')} in "${fileName}" (table ${table})`);
  const rest = all.length > named.length ? `, and ${all.length - named.length} more files` : '';
  return {
    message: `${what}: ${named.join('; ')}${rest}`,
    problems: all
      .slice(0, MOST_DETAILS)
      .map(({ table, fileId, fileName, columns }) => ({ table, file_id: fileId, file_name: fileName, columns })),
  };
}
