import type { Connection } from '@ladybugdb/core';
import type { KeyExport, TableLoad } from '../graph-engine';
import { HostFailure, type BuildMessage, type ProgressMessage } from './messages';

const PROGRESS_EVERY_MS = 100;

/** Inside the loader: writes keys, runs the definitions, loads table after table, and puts everything into the main file. */
export async function runBuild(
  connection: Connection,
  { keys = [], definitions, loads }: BuildMessage,
  report: (progress: ProgressMessage) => void,
): Promise<void> {
  for (const one of keys) await connection.query(exportStatement(one));
  for (const definition of definitions) await connection.query(definition);
  const totalRows = loads.reduce((sum, load) => sum + load.rows, 0);
  let before = 0;
  for (const load of loads) {
    const progress = thinned((fraction) =>
      report({ table: load.table, rows: before + Math.floor(load.rows * fraction), totalRows }),
    );
    await connection.query(loadStatement(load), (fraction, finished, pipelines) =>
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

function exportStatement({ table, key, file }: KeyExport): string {
  const column = quoteName(key);
  return `COPY (MATCH (x:${quoteName(table)}) RETURN x.${column} AS ${column}) TO ${text(file)}`;
}

function loadStatement(load: TableLoad): string {
  return load.upsert === undefined ? copyStatement(load) : upsertStatement(load, load.upsert);
}

/** One row after the other finds its node by the key or makes it. */
function upsertStatement(load: TableLoad, { key, properties }: NonNullable<TableLoad['upsert']>): string {
  const columns = [`${quoteName(key)} AS k`, ...properties.map((name, at) => `${quoteName(name)} AS c${at}`)];
  const values = properties.map((name, at) => `x.${quoteName(name)} = c${at}`);
  const set = values.length > 0 ? ` SET ${values.join(', ')}` : '';
  const node = `(x:${quoteName(load.table)} {${quoteName(key)}: k})`;
  return `LOAD FROM [${list(load.files)}] WITH ${columns.join(', ')} MERGE ${node}${set}`;
}

export function copyStatement(load: TableLoad): string {
  // Always named for relationships: it is demanded where a table joins several pairs of labels, and allowed elsewhere.
  const ends =
    load.kind === 'relationship' && load.from !== undefined && load.to !== undefined
      ? ` (from='${literal(load.from)}', to='${literal(load.to)}')`
      : '';
  return `COPY ${quoteName(load.table)} FROM [${list(load.files)}]${ends}`;
}

function list(files: string[]): string {
  return files.map(text).join(', ');
}

function literal(name: string): string {
  return text(quoteName(name).slice(1, -1)).slice(1, -1);
}

function text(value: string): string {
  return `'${value.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
}

/** A name as the engine's language takes it. The language has no escape for a backtick. */
export function quoteName(name: string): string {
  if (name.includes('`')) throw new HostFailure('load_failed', 'A table name contains a backtick');
  return `\`${name}\``;
}
