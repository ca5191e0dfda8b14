import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { PEOPLE } from '../../test/support/people';
import { DEFAULT_LIMITS } from '../limits/tiers';

const GRAPH = `kg${'0'.repeat(20)}`;
const LIMITS = {
  'ladybug-standard': { max_file_mb: 2, files_per_graph: 3, storage_gb: 1, materializations_per_day: 2 },
};

interface Limits {
  storage: { max_storage_gb: number; current_usage_gb: number; approaching_limit: boolean };
  copy_operations: { max_file_size_gb: number; max_files_per_operation: number; daily_copy_operations: number };
  instance: { status: string; databases: { graph_id: string; size_mb: number }[] };
}

/** What is published is what is enforced: each limit is read first, then reached. */
describe('the limits of a graph', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url, { TIER_LIMITS: JSON.stringify(LIMITS) });
    user = await api.user();
    await api.sql(
      `insert into graph (id, org_id, name, tier, status, schema) values ($1, $2, 'g', 'ladybug-standard', 'active', $3)`,
      [GRAPH, user.orgId, JSON.stringify({ version: '1', ...schemaOf() })],
    );
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  function schemaOf(): object {
    const properties = [{ name: 'id', type: 'INT64', isPrimaryKey: true, required: true }];
    return { name: PEOPLE.name, nodes: [{ name: 'Person', properties }], relationships: [] };
  }
  const limits = async (): Promise<Limits> => (await api.call(`GET /v1/graphs/${GRAPH}/limits`, user)).json<Limits>();
  const announce = () =>
    api.call(`POST /v1/graphs/${GRAPH}/files`, user, {
      file_name: 'a.csv',
      content_type: 'text/csv',
      table_name: 'Person',
    });
  const upload = (url: string, bytes: number) =>
    api.app.inject({
      method: 'PUT',
      url: new URL(url).pathname + new URL(url).search,
      headers: { 'content-type': 'text/csv' },
      payload: Buffer.alloc(bytes),
    });

  it('lists the tiers with their figures', async () => {
    const { tiers } = (await api.call('GET /v1/graphs/tiers', user)).json<{ tiers: object[] }>();
    expect(tiers).toMatchObject([
      {
        tier: 'ladybug-standard',
        api_rate_multiplier: 1,
        limits: { storage_gb: 1, copy_operations: { max_file_size_gb: 2 / 1024, daily_copy_operations: 2 } },
      },
      { tier: 'ladybug-large', api_rate_multiplier: 2.5, max_subgraphs: DEFAULT_LIMITS['ladybug-large'].max_subgraphs },
      { tier: 'ladybug-xlarge', api_rate_multiplier: 5, enabled: true },
    ]);
  });

  it('end the upload of a file that is too large', async () => {
    const { copy_operations } = await limits();
    const bytes = copy_operations.max_file_size_gb * 1024 ** 3;
    const { upload_url } = (await announce()).json<{ upload_url: string }>();
    expect((await upload(upload_url, bytes + 1)).json()).toMatchObject({ status: 413, code: 'file_too_large' });
    expect((await upload(upload_url, bytes)).statusCode).toBe(200);
    const { storage, instance } = await limits();
    expect(storage.current_usage_gb).toBeCloseTo(bytes / 1024 ** 3);
    expect(instance.databases).toEqual([{ graph_id: GRAPH, is_parent: true, size_mb: 2 }]);
  });

  it('end uploads once the storage is used up, and say so before', async () => {
    const { upload_url } = (await announce()).json<{ upload_url: string }>();
    const { storage } = await limits();
    const bytes = storage.max_storage_gb * 1024 ** 3 - 1_048_576;
    await api.sql(`update staged_file set size_bytes = $1 where graph_id = $2 and size_bytes > 0`, [bytes, GRAPH]);
    expect(await limits()).toMatchObject({
      storage: { approaching_limit: true },
      instance: { status: 'approaching_limit' },
    });
    expect((await upload(upload_url, 1_048_577)).json()).toMatchObject({
      status: 413,
      code: 'storage_limit_reached',
      limit_gb: 1,
      used_bytes: bytes,
    });
    expect((await upload(upload_url, 1_048_576)).statusCode).toBe(200);
    expect(await limits()).toMatchObject({ instance: { status: 'over_limit' } });
  });

  it('end the announcing of files', async () => {
    const { copy_operations } = await limits();
    const answers = [];
    for (let i = 2; i <= copy_operations.max_files_per_operation; i += 1) answers.push(await announce());
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 413]);
    expect(answers[1].json()).toMatchObject({ code: 'file_limit_reached', limit: 3 });
  });

  it('end the materializations of a day', async () => {
    const { copy_operations } = await limits();
    const begin = () => api.call(`POST /v1/graphs/${GRAPH}/materialize`, user, {});
    for (let i = 0; i < copy_operations.daily_copy_operations; i += 1) {
      const { operation_id } = (await begin()).json<{ operation_id: string }>();
      // Nobody works here; what is cancelled while it waits ends at once.
      expect((await api.call(`DELETE /v1/operations/${operation_id}`, user)).statusCode).toBe(200);
    }
    const refused = await begin();
    expect(refused.json()).toMatchObject({ status: 429, code: 'daily_limit_reached', limit: 2 });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(86_000);
    await api.sql(`update operation set created_at = now() - interval '25 hours' where graph_id = $1`, [GRAPH]);
    expect((await begin()).statusCode).toBe(200);
  });

  it('are not for strangers', async () => {
    expect((await api.call(`GET /v1/graphs/${GRAPH}/limits`, await api.user())).statusCode).toBe(404);
  });
});
