import { readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ApiClient, OperationFailed, type StartedOperation } from './api-client';
import { BROKEN_FILES } from './broken-files';
import { FILES, QUESTIONS, SCHEMA } from './flights';
import { follow } from './follow';
import { ForksAndBackups } from './forks-and-backups';
import { showPaidGraph } from './paid-graph';
import { count, say, seconds } from './say';

interface Credentials {
  url: string;
  api_key: string;
}

interface StagedFile {
  file_id: string;
  upload_url: string;
  row_count: number;
}

interface LoadedTable {
  table_name: string;
  rows_loaded: number;
  rows_rejected: number;
  ignored_columns: string[];
}

interface Reject {
  file_name: string;
  row: number;
  reason: string;
  detail: string;
}

interface Answer {
  data: Record<string, unknown>[];
  row_count: number;
  execution_time_ms: number;
}

/**
 * The main job from end to end, against a platform that runs: create, upload, materialize, ask. `full`: and then what forks and
 * backups are for. Each run has a graph of its own.
 */
async function main({ full }: { full: boolean }): Promise<void> {
  const { url, api_key: key } = credentials();
  const api = new ApiClient(url, key);
  const started = performance.now();

  say(`Creating a graph at ${url}`);
  const creation = await api.call<StartedOperation>('POST', '/v1/graphs', {
    metadata: { graph_name: 'Flights 2001', tags: ['demo'] },
    custom_schema: SCHEMA,
  });
  await follow(api, creation);
  const graph = `/v1/graphs/${creation.graph_id}`;

  for (const { table, path, contentType } of FILES) {
    const begun = performance.now();
    const rows = await stage(api, graph, { table, name: basename(path), content: path, contentType });
    const megabytes = (statSync(path).size / 1_048_576).toFixed(1);
    say(`  staged ${basename(path)} into ${table}: ${count(rows)} rows, ${megabytes} MB, ${seconds(begun)}`);
  }

  say('Materializing');
  const begun = performance.now();
  const operation = await api.call<StartedOperation>('POST', `${graph}/materialize`, {});
  const result = await follow(api, operation);
  say(
    `  loaded ${count(result.rows_loaded as number)} rows, rejected ${count(result.rows_rejected as number)}, ${seconds(begun)}`,
  );

  for (const { title, query, parameters } of QUESTIONS) {
    const asked = performance.now();
    const answer = await api.call<Answer>('POST', `${graph}/query`, { query, parameters });
    say(`${title} (${(performance.now() - asked).toFixed(0)} ms)`);
    for (const row of answer.data) say(`  ${Object.values(row).map(cell).join('  ')}`);
  }
  await showRejects(api, graph);
  if (full) await new ForksAndBackups(api, creation.graph_id).show();
  say(`Done in ${seconds(started)}. The graph is ${creation.graph_id}; ask it more with POST ${graph}/query`);
}

/** Announces, sends and stages a file; its number of rows. */
async function stage(
  api: ApiClient,
  graph: string,
  file: { table: string; name: string; content: string | Buffer; contentType: string },
): Promise<number> {
  const { table: table_name, name: file_name, content, contentType: content_type } = file;
  const request = { table_name, file_name, content_type };
  const { file_id: id, upload_url: url } = await api.call<StagedFile>('POST', `${graph}/files`, request);
  await api.upload(url, content, content_type);
  return (await api.call<StagedFile>('PATCH', `${graph}/files/${id}`, { status: 'uploaded' })).row_count;
}

/** Files with bad rows: published not at all, or without these rows, which are kept with their reasons. */
async function showRejects(api: ApiClient, graph: string): Promise<void> {
  for (const file of BROKEN_FILES) await stage(api, graph, { ...file, contentType: 'text/csv' });
  const materialize = async (ignoreErrors: boolean): Promise<Record<string, unknown>> => {
    const request = { ignore_errors: ignoreErrors };
    const operation = await api.call<StartedOperation>('POST', `${graph}/materialize`, request);
    return api.watch(operation, () => undefined);
  };
  say(
    `Materializing ${BROKEN_FILES.map(({ name }) => name).join(' and ')}, which are broken, with ignore_errors=false`,
  );
  const refusal = await materialize(false).then(
    () => undefined,
    (error: Error) => error,
  );
  if (!(refusal instanceof OperationFailed)) throw refusal ?? new Error('Broken files were published');
  const { generation } = await api.call<{ generation: number }>('GET', `${graph}/materialize`);
  say(`  ${refusal.code}: ${refusal.message}`);
  say(`  nothing was published: generation ${generation} is live as before`);

  say('Again with ignore_errors=true');
  const begun = performance.now();
  const result = await materialize(true);
  for (const table of result.tables as LoadedTable[]) {
    if (table.rows_loaded + table.rows_rejected === 0) continue;
    const ignored = table.ignored_columns.length > 0 ? `, left out the column ${table.ignored_columns.join(', ')}` : '';
    say(`  ${table.table_name}: loaded ${table.rows_loaded}, rejected ${table.rows_rejected}${ignored}`);
  }
  const { rejects: link } = result._links as { rejects: string };
  const { rejects } = await api.call<{ rejects: Reject[] }>('GET', link);
  for (const { file_name, row, reason, detail } of rejects) say(`  ${file_name} row ${row}  ${reason}: ${detail}`);
  say(`  generation ${String(result.generation)} is live, ${seconds(begun)}`);
}

/** From the file that the first `npm start` wrote, unless the environment says otherwise. */
function credentials(): Credentials {
  const { GRAPHSTEAD_URL: url, GRAPHSTEAD_API_KEY: key, DATA_DIR: dataDir } = process.env;
  if (url && key) return { url, api_key: key };
  const file = join(resolve(dataDir ?? './data'), 'credentials.json');
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as Credentials;
    return { url: url ?? found.url, api_key: key ?? found.api_key };
  } catch (error) {
    throw new Error(`Cannot read ${file}. Run npm start first, or set GRAPHSTEAD_URL and GRAPHSTEAD_API_KEY.`, {
      cause: error,
    });
  }
}

function cell(value: unknown): string {
  return typeof value === 'number' ? count(value) : String(value);
}

/** Throws for anything but what the demo knows. */
function options(): { full: boolean; billing: boolean } {
  const no = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ options: { full: no, billing: no } });
  return values;
}

Promise.resolve()
  .then(() => (options().billing ? showPaidGraph() : main(options())))
  .then(
    () => process.exit(0),
    (error: Error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    },
  );
