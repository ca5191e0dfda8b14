import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { PEOPLE } from '../../test/support/people';
import { StorageFull } from '../engine/engine.errors';
import { GraphEngine } from '../engine/graph-engine';

interface Operation {
  operation_id: string;
  status: string;
  error?: { code: string };
}
interface Version {
  number: number;
  status: string;
  is_current: boolean;
}

/** With a worker of its own and the real engine, in one process, so that a build can be made to fail on purpose. */
describe('a schema change', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graphId: string;

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { ROLES: 'api,worker,sensors,engine', GENERATION_COLLECT_SECONDS: '1' };
    api = await ApiApp.start(database.url, settings);
    user = await api.user();
  }, 90_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    graphId = (await ended('POST /v1/graphs', { metadata: { graph_name: 'people' }, custom_schema: PEOPLE })).graph_id;
    const nodes = [{ label: 'Person', properties: { id: 1, name: 'Ada' } }];
    expect(await ended(`POST /v1/graphs/${graphId}/rows`, { nodes })).toMatchObject({ status: 'completed' });
  }, 60_000);
  afterEach(() => jest.restoreAllMocks());

  const wait = { prefer: 'wait=30' };
  const ended = async (route: string, body: object): Promise<Operation & { graph_id: string }> =>
    (await api.call(route, user, body, wait)).json();
  const add = { nodes: [{ name: 'Person', properties: [{ name: 'city', type: 'STRING' }] }] };
  const change = () => ended(`PATCH /v1/graphs/${graphId}/schema`, { add });
  const versions = async (): Promise<[number, string, boolean][]> =>
    (await api.call(`GET /v1/graphs/${graphId}/schema/versions`, user))
      .json<{ versions: Version[] }>()
      .versions.map(({ number, status, is_current }) => [number, status, is_current]);
  const properties = async (): Promise<string[]> =>
    (await api.call(`GET /v1/graphs/${graphId}/schema`, user)).json<{
      schema: { node_properties: { Person: string[] } };
    }>().schema.node_properties.Person;
  const ask = async (query: string): Promise<unknown> =>
    (await api.call(`POST /v1/graphs/${graphId}/query`, user, { query })).json<{ data: unknown }>().data;
  /** Builds that are neither live nor kept: none once the sensor has looked. */
  const builds = () => api.sql(`select number from generation where graph_id = $1 and status = 'building'`, [graphId]);
  const untilNoBuilds = async (): Promise<void> => {
    while ((await builds()).length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const expectUntouched = async (): Promise<void> => {
    expect(await properties()).toEqual(['id', 'name', 'born']);
    expect(await ask('MATCH (p:Person) RETURN p.name AS name')).toEqual([{ name: 'Ada' }]);
    expect(await versions()).toEqual([
      [2, 'failed', false],
      [1, 'applied', true],
    ]);
    expect(await api.sql('select 1 from operation_lock where resource = $1', [`graph:${graphId}`])).toEqual([]);
    await untilNoBuilds();
  };

  it('that meets a full disk fails and leaves data and schema as they were; a retry makes it', async () => {
    jest.spyOn(api.get(GraphEngine), 'build').mockRejectedValueOnce(new StorageFull());
    const failed = await change();
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'storage_full' } });
    await expectUntouched();
    const retried = await ended(`POST /v1/operations/${failed.operation_id}/retry`, {});
    expect(retried).toMatchObject({ status: 'completed' });
    expect(await versions()).toEqual([
      [2, 'applied', true],
      [1, 'applied', false],
    ]);
    expect(await ask('MATCH (p:Person) RETURN p.name AS name, p.city AS city')).toEqual([{ name: 'Ada', city: null }]);
  }, 120_000);

  it('that is cancelled in the middle leaves data and schema as they were, and the next one is made', async () => {
    const building = new Promise<void>((begun) =>
      jest.spyOn(api.get(GraphEngine), 'build').mockImplementationOnce(
        (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
            begun();
          }),
      ),
    );
    const request = api.call(`PATCH /v1/graphs/${graphId}/schema`, user, { add });
    const { operation_id: id } = (await request).json<Operation>();
    await building;
    expect((await api.call(`DELETE /v1/operations/${id}`, user)).statusCode).toBeLessThan(300);
    let status = '';
    while (!['cancelled', 'failed', 'completed'].includes(status)) {
      ({ status } = (await api.call(`GET /v1/operations/${id}/status`, user)).json<Operation>());
    }
    expect(status).toBe('cancelled');
    await expectUntouched();
    expect(await change()).toMatchObject({ status: 'completed' });
    expect((await versions())[0]).toEqual([3, 'applied', true]);
    expect(await properties()).toContain('city');
  }, 120_000);

  it('cannot be retried once another one has been made', async () => {
    jest.spyOn(api.get(GraphEngine), 'build').mockRejectedValueOnce(new StorageFull());
    const failed = await change();
    expect(await change()).toMatchObject({ status: 'completed' });
    const retry = await api.call(`POST /v1/operations/${failed.operation_id}/retry`, user, {});
    expect([retry.statusCode, retry.json<{ code: string }>().code]).toEqual([409, 'schema_moved_on']);
  }, 120_000);
});
