import { Client } from '../support/client';
import { type TestDatabase, testDatabase } from '../support/database';
import { KNOWS, PEOPLE, PERSONS } from '../support/people';
import { Platform } from '../support/platform';

/** How clients begin operations, wait for them and find them again. */
describe('operations', () => {
  let database: TestDatabase;
  let remove: () => Promise<void>;
  let platform: Platform;
  let client: Client;
  let graphId: string;

  beforeAll(async () => {
    database = await testDatabase();
    const made = await Platform.newDataDir();
    remove = made.remove;
    platform = await Platform.start(made.dataDir, { DATABASE_URL: database.url });
    client = new Client(platform.url, platform.credentials.api_key);
    graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    await client.stage(graphId, 'KNOWS', 'knows.csv', KNOWS);
  }, 90_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
    await database.drop();
  });

  it('leave a history that can be filtered and paged', async () => {
    interface History {
      operations: { operation_id: string; operation_type: string; status: string }[];
      next_cursor: string | null;
    }
    const list = (query: string): Promise<History> => client.expect<History>(200, 'GET', `/v1/operations?${query}`);
    const all = await list(`graph_id=${graphId}`);
    const types = all.operations.map((operation) => operation.operation_type);
    expect(types).toEqual(['file_stage', 'file_stage', 'graph_creation']);
    const created = await list(`graph_id=${graphId}&operation_type=graph_creation&status=completed`);
    expect(created.operations).toEqual([all.operations[2]]);
    const first = await list('limit=2');
    expect(first.operations).toEqual(all.operations.slice(0, 2));
    const second = await list(`limit=2&cursor=${first.next_cursor}`);
    expect(second).toEqual({ operations: [all.operations[2]], next_cursor: null });
    const events = `/v1/operations/${all.operations[2].operation_id}/events`;
    const page = await client.expect<{ events: { sequence_number: number }[]; next_after: number }>(
      200,
      'GET',
      `${events}?limit=1`,
    );
    expect(page).toMatchObject({ events: [{ sequence_number: 1, event_type: 'queue_update' }], next_after: 1 });
    const rest = await client.expect<{ events: { event_type: string }[] }>(200, 'GET', `${events}?after=1`);
    expect(rest).toMatchObject({ next_after: null });
    expect(rest.events.at(-1)).toMatchObject({ event_type: 'operation_completed' });
  });

  it('answer when they have ended, where the client prefers to wait', async () => {
    const body = { metadata: { graph_name: 'waited' }, custom_schema: PEOPLE };
    const response = await client.request('POST', '/v1/graphs', body, { prefer: 'respond-async, wait=30' });
    expect(response.headers.get('preference-applied')).toBe('wait=30');
    expect(await response.json()).toMatchObject({
      status: 'completed',
      progress_percent: 100,
      result: { generation: 1 },
    });
    const impatient = await client.request('POST', '/v1/graphs', body, { prefer: 'wait=0' });
    expect(await impatient.json()).toMatchObject({ operation_type: 'graph_creation' });
  });

  it('begin once for a repeated request, whether its sender waits or not', async () => {
    const graph = (name: string): object => ({ metadata: { graph_name: name }, custom_schema: PEOPLE });
    const send = async (path: string, body: object, key: string): Promise<[number, string]> => {
      const response = await client.request('POST', path, body, { 'idempotency-key': key });
      const answer = (await response.json()) as { operation_id?: string; code?: string };
      return [response.status, answer.operation_id ?? answer.code ?? ''];
    };
    const [first, ...others] = await Promise.all([1, 2, 3, 4, 5].map(() => send('/v1/graphs', graph('once'), 'key-1')));
    expect(first).toEqual([202, expect.stringMatching(/^op_/)]);
    expect(others).toEqual([first, first, first, first]);
    const { graphs } = await client.expect<{ graphs: { graphName: string }[] }>(200, 'GET', '/v1/graphs');
    expect(graphs.filter(({ graphName }) => graphName === 'once')).toHaveLength(1);
    expect(await send('/v1/graphs', graph('twice'), 'key-1')).toEqual([422, 'idempotency_key_reused']);
    expect(await send('/v1/graphs', graph('twice'), 'with blank')).toEqual([422, 'invalid_request']);
    // A refused request does not use its key up.
    expect(await send('/v1/graphs', graph(''), 'key-2')).toEqual([422, 'invalid_request']);
    expect(await send('/v1/graphs', graph('after'), 'key-2')).toEqual([202, expect.stringMatching(/^op_/)]);
    // The same key elsewhere is another request; and a twin is no second writer.
    const twins = [1, 2].map(() => send(`/v1/graphs/${graphId}/materialize`, { force: true }, 'key-1'));
    const [one, two] = await Promise.all(twins);
    expect(one).toEqual([200, expect.stringMatching(/^op_/)]);
    expect(two).toEqual(one);
    expect(one).not.toEqual(first);
    await client.result({
      operation_id: one[1],
      graph_id: graphId,
      _links: { stream: `/v1/operations/${one[1]}/stream`, status: '' },
    });
  });
});
