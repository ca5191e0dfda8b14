import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { withDatabase } from '../support/database';

/** What is wrong with an operation that has ended, as far as its rows tell; empty where all is well. */
export async function flawsOf(databaseUrl: string, operationId: string): Promise<string[]> {
  return withDatabase(databaseUrl, async (query) => {
    const flaws: string[] = [];
    const [operation] = await query<{ status: string; attempt: number; last_sequence: number; lease: Date | null }>(
      'select status, attempt, last_sequence, lease_expires_at as lease from operation where id = $1',
      [operationId],
    );
    const events = await query<{ sequence: number; type: string }>(
      'select sequence, type from operation_event where operation_id = $1 order by sequence',
      [operationId],
    );
    if (operation.lease !== null) flaws.push('it has a lease');
    if (events.some(({ sequence }, index) => sequence !== index + 1)) flaws.push('its sequences have a gap');
    if (events.length !== operation.last_sequence) flaws.push('its last sequence is not that of its last event');
    const terminal = events.filter(({ type }) => /_(completed|error|cancelled)$/.test(type));
    if (terminal.length !== 1) flaws.push(`it has ${terminal.length} terminal events`);
    if (terminal.at(-1) !== events.at(-1)) flaws.push('its last event is not the terminal one');
    const starts = events.filter(({ type }) => type === 'operation_started').length;
    if (starts !== operation.attempt) flaws.push(`${starts} starts for ${operation.attempt} attempts`);
    const locks = await query('select resource from operation_lock where operation_id = $1', [operationId]);
    if (locks.length > 0) flaws.push('it holds a lock');
    const attempts = await query<{ outcome: string | null; ended_at: Date | null }>(
      'select outcome, ended_at from operation_attempt where operation_id = $1',
      [operationId],
    );
    if (attempts.length !== operation.attempt) flaws.push(`${attempts.length} rows for ${operation.attempt} attempts`);
    if (attempts.some(({ ended_at }) => ended_at === null)) flaws.push('an attempt has no end');
    return flaws;
  });
}

/** Files below a data directory that no row accounts for. The sensors must have looked, in a process that began since. */
export async function strayFiles(dataDir: string, databaseUrl: string): Promise<string[]> {
  return withDatabase(databaseUrl, async (query) => {
    const generations = await query<{ path: string }>(
      `select graph_id || '/' || number as path from generation where status in ('live', 'retired')`,
    );
    const objects = await query<{ key: string }>(
      `select upload_key as key from staged_file where upload_key is not null
       union select part_key from staged_file where part_key is not null
       union select object_key from query_result where object_key is not null
       union select object_key from backup where object_key is not null
       union select replace(object_key, '.tar.zst.sealed', '.manifest.json') from backup where object_key is not null
       union select prefix || t || '.parquet' from kept_rejects, jsonb_array_elements_text(tables) t
         where removed_at is null`,
    );
    const known = new Set([
      ...generations.map(({ path }) => `graphs/${path}`),
      ...objects.map(({ key }) => `objects/${key}`),
    ]);
    const found = [
      ...entriesOf(join(dataDir, 'work')),
      ...entriesOf(join(dataDir, 'graphs')).flatMap(entriesOf),
      ...filesBelow(join(dataDir, 'objects')),
    ];
    return found.map((path) => relative(dataDir, path)).filter((path) => !known.has(path));
  });
}

/** What rows say is still under way: operations, locks and builds. The sensors must have looked. */
export async function unfinishedIn(databaseUrl: string): Promise<string[]> {
  return withDatabase(databaseUrl, async (query) => {
    const rows = await query<{ what: string }>(
      `select 'operation ' || id || ' is ' || status as what from operation where status in ('pending', 'running')
       union all select operation_id || ' holds ' || resource from operation_lock
       union all select 'generation ' || number || ' of ' || graph_id || ' is being built'
         from generation where status = 'building'
       union all select 'backup ' || id || ' is being made' from backup where status = 'in_progress'`,
    );
    return rows.map(({ what }) => what);
  });
}

/** Running processes, other than `except`, that work in a directory or were told of it. */
export function processesIn(directory: string, except: (number | undefined)[]): string[] {
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && !except.includes(Number(name)));
  return others.flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const works = command.includes(directory) || readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
      return works ? [`${pid} ${command}`] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

function entriesOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}
