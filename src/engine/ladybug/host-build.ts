import type { Connection } from '@ladybugdb/core';
import type { KeyExport, TableLoad } from '../graph-engine';
import { appendStatements } from './host-append';
import type { BuildMessage, ProgressMessage } from './messages';
import { quoteName, quoteText } from './statement-text';

const PROGRESS_EVERY_MS = 100;

/**
 * Inside the loader: writes keys, runs the definitions, loads table after table, and puts everything into the database
 * file, or (`append`) into the log beside it.
 */
export async function runBuild(
  connection: Connection,
  { keys = [], definitions, loads }: BuildMessage,
  append: boolean,
  report: (progress: ProgressMessage) => void,
): Promise<void> {
  // LadybugDB 0.19.1 dies of merging a log together with a change of a table that lost a column before.
  if (!append) await connection.query('CHECKPOINT');
  for (const one of keys) await connection.query(exportStatement(one));
  for (const definition of definitions) await connection.query(definition);
  const totalRows = loads.reduce((sum, load) => sum + load.rows, 0);
  let before = 0;
  for (const load of loads) {
    const progress = thinned((fraction) =>
      report({ table: load.table, rows: before + Math.floor(load.rows * fraction), totalRows }),
    );
    const statements = append || load.upsert ? await appendStatements(connection, load) : [copyStatement(load)];
    for (const [at, statement] of statements.entries()) {
      await connection.query(statement, (fraction, finished, pipelines) =>
        // A fraction of the current pipeline, though the binding's documentation says percent.
        progress((at + (finished + fraction) / Math.max(pipelines, 1)) / statements.length),
      );
    }
    before += load.rows;
    report({ table: load.table, rows: before, totalRows });
  }
  if (!append) await connection.query('CHECKPOINT');
}

/** Never backwards, at most ten a second. */
function thinned(report: (fraction: number) => void): (fraction: number) => void {
  let last = 0;
  let highest = 0;
  return (fraction) => {
    const now = Date.now();
    if (!(fraction > highest) || fraction >= 1 || now - last < PROGRESS_EVERY_MS) return;
    highest = fraction;
    last = now;
    report(fraction);
  };
}

function exportStatement({ table, key, file }: KeyExport): string {
  const column = quoteName(key);
  return `COPY (MATCH (x:${quoteName(table)}) RETURN x.${column} AS ${column}) TO ${quoteText(file)}`;
}

export function copyStatement(load: TableLoad): string {
  // Always named for relationships: it is demanded where a table joins several pairs of labels, and allowed elsewhere.
  const ends =
    load.kind === 'relationship' && load.from !== undefined && load.to !== undefined
      ? [`from='${literal(load.from)}'`, `to='${literal(load.to)}'`]
      : [];
  const options = [...ends, ...(load.skipDangling ? ['ignore_errors=true'] : [])];
  const suffix = options.length > 0 ? ` (${options.join(', ')})` : '';
  return `COPY ${quoteName(load.table)} FROM [${list(load.files)}]${suffix}`;
}

function list(files: string[]): string {
  return files.map(quoteText).join(', ');
}

function literal(name: string): string {
  return quoteText(quoteName(name).slice(1, -1)).slice(1, -1);
}
