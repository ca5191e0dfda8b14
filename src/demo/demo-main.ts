import { readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ApiClient, type OperationEvent, type StartedOperation } from './api-client';
import { FILES, QUESTIONS, SCHEMA } from './flights';
import { ProgressBar } from './progress-bar';

interface Credentials {
  url: string;
  api_key: string;
}

interface StagedFile {
  file_id: string;
  upload_url: string;
  row_count: number;
}

interface Answer {
  data: Record<string, unknown>[];
  row_count: number;
  execution_time_ms: number;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

/** The main job from end to end, against a platform that runs: create, upload, materialize, ask. */
async function main(): Promise<void> {
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
    const request = { table_name: table, file_name: basename(path), content_type: contentType };
    const file = await api.call<StagedFile>('POST', `${graph}/files`, request);
    await api.upload(file.upload_url, path, contentType);
    const staged = await api.call<StagedFile>('PATCH', `${graph}/files/${file.file_id}`, { status: 'uploaded' });
    const megabytes = (statSync(path).size / 1_048_576).toFixed(1);
    say(
      `  staged ${basename(path)} into ${table}: ${count(staged.row_count)} rows, ${megabytes} MB, ${seconds(begun)}`,
    );
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
  say(`Done in ${seconds(started)}. The graph is ${creation.graph_id}; ask it more with POST ${graph}/query`);
}

async function follow(api: ApiClient, operation: StartedOperation): Promise<Record<string, unknown>> {
  const bar = new ProgressBar(process.stdout);
  const show = ({ data }: OperationEvent): void => {
    if (typeof data.progress_percent === 'number')
      bar.show(data.progress_percent, typeof data.message === 'string' ? data.message : '');
  };
  try {
    const result = await api.watch(operation, show);
    bar.show(100, 'Completed');
    return result;
  } finally {
    bar.done();
  }
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

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function cell(value: unknown): string {
  return typeof value === 'number' ? count(value) : String(value);
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
