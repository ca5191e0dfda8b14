import { Client } from '../support/client';
import { KNOWS, PEOPLE, PERSONS } from '../support/people';
import { Platform } from '../support/platform';
import { PlatformWorld } from '../support/platform-world';

interface Answer {
  operation_id?: string;
  code?: string;
}

/** How clients begin operations, wait for them and find them again. */
describe('operations', () => {
  let world: PlatformWorld;
  let platform: Platform;
  let client: Client;
  let graphId: string;

  beforeAll(async () => {
    world = await PlatformWorld.start();
    ({ platform, client } = world);
    graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    await client.stage(graphId, 'KNOWS', 'knows.csv', KNOWS);
  }, 90_000);
  afterAll(async () => {
    await world?.end();
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
    expect([response.status, response.headers.get('preference-applied')]).toEqual([200, 'wait=30']);
    expect(await response.json()).toMatchObject({
      status: 'completed',
      progress_percent: 100,
      result: { generation: 1 },
    });
    const impatient = await client.request('POST', '/v1/graphs', body, { prefer: 'wait=0' });
    expect(await impatient.json()).toMatchObject({ operation_type: 'graph_creation' });
  });

  it('begin once for a request that is sent a hundred times at once, to two processes', async () => {
    const settings = { DATABASE_URL: world.database.url, ROLES: 'api,engine' };
    const twin = await Platform.start(platform.dataDir, settings);
    try {
      const body = { metadata: { graph_name: 'once' }, custom_schema: PEOPLE };
      const twinClient = new Client(twin.url, client.apiKey);
      const send = async (through: Client): Promise<{ status: number; replayed: boolean; body: Answer }> => {
        const response = await through.request('POST', '/v1/graphs', body, { 'idempotency-key': 'key-1' });
        const replayed = response.headers.get('idempotency-replayed') === 'true';
        return { status: response.status, replayed, body: (await response.json()) as Answer };
      };
      const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => send(i % 2 ? client : twinClient)));
      const [first, ...others] = answers.filter(({ status, replayed }) => status === 202 && !replayed);
      expect(others).toEqual([]);
      const refused = answers.filter(({ status }) => status !== 202);
      expect(new Set(refused.map(({ body: { code } }) => code))).toEqual(
        new Set(refused.length > 0 ? ['idempotency_in_progress'] : []),
      );
      for (const through of [client, twinClient]) {
        expect(await send(through)).toEqual({ status: 202, replayed: true, body: first.body });
      }
      const { graphs } = await client.expect<{ graphs: { graphName: string }[] }>(200, 'GET', '/v1/graphs');
      expect(graphs.filter(({ graphName }) => graphName === 'once')).toHaveLength(1);
      const waited = await twinClient.request('POST', '/v1/graphs', body, {
        'idempotency-key': 'key-1',
        prefer: 'wait=30',
      });
      expect(await waited.json()).toMatchObject({ operation_id: first.body.operation_id, status: 'completed' });
    } finally {
      await twin.stop();
    }
  }, 90_000);

  it('answer with the staged file where the client prefers to wait for it', async () => {
    const file = { file_name: 'more.csv', table_name: 'Person', content_type: 'text/csv' };
    const path = `/v1/graphs/${graphId}/files`;
    const { file_id, upload_url } = await client.expect<Record<string, string>>(200, 'POST', path, file);
    await fetch(upload_url, { method: 'PUT', body: PERSONS, headers: { 'content-type': 'text/csv' } });
    const patch = (prefer: string): Promise<Response> =>
      client.request('PATCH', `${path}/${file_id}`, { status: 'uploaded' }, { prefer });
    const early = await patch('wait=0');
    expect([early.status, early.headers.get('preference-applied')]).toEqual([202, 'wait=0']);
    const late = await patch('wait=40');
    expect([late.status, late.headers.get('preference-applied')]).toEqual([200, 'wait=40']);
    expect(await late.json()).toMatchObject({ file_id, status: 'staged' });
  });
});
