import { join } from 'node:path';
import { literal } from './sql-text';
import type { DuckDbSession } from './duckdb-session';
import type { PreparedTable, PrepareTable } from './messages';

type Prepared = PreparedTable & { pair?: PrepareTable['pair'] };

const MOST_SAMPLES = 20;

/** One entry again for each table whose pairs of labels were prepared one by one. */
export async function mergePairs(
  session: DuckDbSession,
  prepared: Prepared[],
  output: string,
): Promise<PreparedTable[]> {
  const merged: PreparedTable[] = [];
  for (const name of new Set(prepared.map(({ table }) => table))) {
    const entries = prepared.filter(({ table }) => table === name);
    merged.push(entries.length === 1 ? withoutPair(entries[0]) : await mergeOne(session, entries, output));
  }
  return merged;
}

async function mergeOne(session: DuckDbSession, entries: Prepared[], output: string): Promise<PreparedTable> {
  const sum = (of: (entry: Prepared) => number): number => entries.reduce((total, entry) => total + of(entry), 0);
  const reasons: PreparedTable['reasons'] = {};
  for (const entry of entries)
    for (const [reason, count] of Object.entries(entry.reasons) as [keyof typeof reasons, number][])
      reasons[reason] = (reasons[reason] ?? 0) + count;
  const { table, kind } = entries[0];
  const rejects = entries.flatMap(({ rejectsFile }) => rejectsFile ?? []);
  let rejectsFile: string | null = null;
  if (rejects.length > 0) {
    rejectsFile = join(output, 'rejects', `${table}.parquet`);
    const all = `select * from read_parquet([${rejects.map(literal).join(', ')}]) order by file_id, "row"`;
    await session.run(`copy (${all}) to ${literal(rejectsFile)} (format parquet, compression zstd)`);
  }
  return {
    table,
    kind,
    rowsLoaded: sum(({ rowsLoaded }) => rowsLoaded),
    rowsRejected: sum(({ rowsRejected }) => rowsRejected),
    rowsReplaced: sum(({ rowsReplaced }) => rowsReplaced),
    reasons,
    files: entries.flatMap(({ files }) => files),
    pairs: entries.map(({ pair, files, rowsLoaded }) => ({ from: pair!.from, to: pair!.to, files, rows: rowsLoaded })),
    rejectsFile,
    samples: entries
      .flatMap(({ samples }) => samples)
      .sort((a, b) => a.fileId.localeCompare(b.fileId) || a.row - b.row)
      .slice(0, MOST_SAMPLES),
    ignoredColumns: [...new Set(entries.flatMap(({ ignoredColumns }) => ignoredColumns))],
  };
}

function withoutPair({ pair: _, ...prepared }: Prepared): PreparedTable {
  return prepared;
}
