import { Client, type Started } from '../support/client';
import { PEOPLE, PERSONS } from '../support/people';
import { Platform } from '../support/platform';

interface Page {
  columns: string[];
  column_types: string[];
  data: Record<string, unknown>[];
  row_count: number;
  total_rows: number;
  next_offset: number | null;
}
interface StartedQuery extends Started {
  query_id: string;
  result_url: string;
}
interface Problem {
  code: string;
  details?: Record<string, unknown>;
}

/** Queries as operations, on the embedded default: results that are kept, read in pages, and expire. */
describe('the result of an asynchronous query', () => {
  let dataDir: string;
  let remove: () => Promise<void>;
  let platform: Platform;
  let client: Client;
  let graphId: string;

  beforeAll(async () => {
    ({ dataDir, remove } = await Platform.newDataDir());
    platform = await Platform.start(dataDir);
    client = new Client(platform.url, platform.credentials.api_key);
    graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    await client.result(await client.expect<Started>(200, 'POST', `/v1/graphs/${graphId}/materialize`, {}));
  }, 120_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
  });

  const ask = (query: string): Promise<StartedQuery> =>
    client.expect<StartedQuery>(202, 'POST', `/v1/graphs/${graphId}/query?mode=async`, { query });

  it('can be read in pages and as a whole, also after a restart', async () => {
    const started = await ask('UNWIND range(1, 25000) AS n RETURN n, n AS n, cast(9007199254740993 AS INT64) AS big');
    const result = await client.result(started);
    expect(result).toMatchObject({
      row_count: 25_000,
      column_types: ['INT64', 'INT64', 'INT64'],
      result_url: started.result_url,
    });
    expect(await platform.stop('SIGINT')).toBe(0);
    platform = await Platform.start(dataDir);
    client = new Client(platform.url, platform.credentials.api_key);

    const seen: unknown[] = [];
    for (let offset: number | null = 0; offset !== null;) {
      const page: Page = await client.expect<Page>(200, 'GET', `${started.result_url}?offset=${offset}&limit=10000`);
      expect(page).toMatchObject({ columns: ['n', 'n_2', 'big'], total_rows: 25_000 });
      seen.push(...page.data.map(({ n }) => n));
      offset = page.next_offset;
    }
    expect(new Set(seen).size).toBe(25_000);
    const download = () => client.request('GET', `/v1/graphs/${graphId}/queries/${started.query_id}/download`);
    const texts = await Promise.all([download(), download()].map(async (answer) => (await answer).text()));
    expect(texts[0]).toBe(texts[1]);
    const lines = texts[0].trimEnd().split('\n');
    expect(lines).toHaveLength(25_000);
    expect(JSON.parse(lines[0])).toMatchObject({ n: seen[0], n_2: seen[0], big: '9007199254740993' });
  }, 120_000);

  it('is a failure where the query is one', async () => {
    const started = await ask('MATCH (n:Nobody) RETURN n');
    const frames = await client.events(started);
    expect(frames.at(-2)).toMatchObject({
      event: 'operation_error',
      data: { error_details: { code: 'query_invalid' } },
    });
    const problem = await client.expect<Problem>(409, 'GET', started.result_url);
    expect(problem).toMatchObject({ code: 'query_without_result', status: 409 });
  });

  it('is empty where there is no row, and belongs to its graph', async () => {
    const started = await ask('MATCH (p:Person) WHERE p.id < 0 RETURN p.id AS id');
    await client.result(started);
    expect(await client.expect<Page>(200, 'GET', started.result_url)).toMatchObject({
      columns: ['id'],
      data: [],
      next_offset: null,
    });
    const other = await client.createGraph(PEOPLE, 'other');
    const url = `/v1/graphs/${other}/queries/${started.query_id}/result`;
    expect(await client.expect<Problem>(404, 'GET', url)).toMatchObject({ code: 'query_result_not_found' });
  });

  it('begins once with an idempotency key', async () => {
    const send = () =>
      client.request(
        'POST',
        `/v1/graphs/${graphId}/queries`,
        { query: 'RETURN 1 AS x' },
        { 'idempotency-key': 'once' },
      );
    const [first, second] = [await send(), await send()];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(((await first.json()) as Started).operation_id).toBe(((await second.json()) as Started).operation_id);
  });
});
