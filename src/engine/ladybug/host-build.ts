import type { Connection } from '@ladybugdb/core';
import { HostFailure, type BuildMessage, type ProgressMessage } from './messages';

const PROGRESS_EVERY_MS = 100;

/** Inside the loader: runs the definitions, copies table after table, and writes everything to the main file. */
export async function runBuild(
  connection: Connection,
  { definitions, loads }: BuildMessage,
  report: (progress: ProgressMessage) => void,
): Promise<void> {
  for (const definition of definitions) await connection.query(definition);
  const totalRows = loads.reduce((sum, load) => sum + load.rows, 0);
  let before = 0;
  for (const load of loads) {
    const progress = thinned((fraction) =>
      report({ table: load.table, rows: before + Math.floor(load.rows * fraction), totalRows }),
    );
    await connection.query(copyStatement(load), (fraction, finished, pipelines) =>
      // A fraction of the current pipeline, though the binding's documentation says percent.
      progress((finished + fraction) / Math.max(pipelines, 1)),
    );
    before += load.rows;
    report({ table: load.table, rows: before, totalRows });
  }
  await connection.query('CHECKPOINT');
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

export function copyStatement(load: BuildMessage['loads'][number]): string {
  const files = load.files.map((file) => `'${file.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`).join(', ');
  // Always named for relationships: it is demanded where a table joins several pairs of labels, and allowed elsewhere.
  const ends =
    load.kind === 'relationship' && load.from !== undefined && load.to !== undefined
      ? ` (from='${literal(load.from)}', to='${literal(load.to)}')`
      : '';
  return `COPY ${quoteName(load.table)} FROM [${files}]${ends}`;
}

function literal(name: string): string {
  return quoteName(name).slice(1, -1).replace(/\\/g, '\\\\').replace(/'/g, "\\'");
}

/** A name as the engine's language takes it. The language has no escape for a backtick. */
export function quoteName(name: string): string {
  if (name.includes('`')) throw new HostFailure('load_failed', 'A table name contains a backtick');
  return `\`${name}\``;
}
