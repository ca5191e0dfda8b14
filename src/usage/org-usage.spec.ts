import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { CreditsService } from '../billing/credits.service';
import { Clock } from '../common/clock';
import type { OrgUsageResponse } from './dto/org-usage.dto';

const GB = 1024 ** 3;

describe('the usage of an organisation', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let owner: ApiUser;
  let graphs: string[];

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
    jest.spyOn(api.get(Clock), 'now').mockImplementation(() => new Date());
    owner = await api.user();
    graphs = [];
    for (const name of ['a', 'b']) {
      const answer = await api.call('POST /v1/graphs', owner, { metadata: { graph_name: name } });
      graphs.push(answer.json<{ graph_id: string }>().graph_id);
    }
    await api.sql(
      `insert into generation (graph_id, number, status, manifest, published_at) values ($1, 7, 'live', $2, now())`,
      [graphs[0], JSON.stringify({ bytes: 3 * GB })],
    );
    await api.sql(
      `insert into query_stat (graph_id, hour, queries, failures, total_ms, max_ms, rows, bytes, last_query_at)
       select g, date_trunc('hour', now()) - d * interval '1 day', 10, 0, 1, 1, 1, 1, now()
       from unnest($1::text[]) g, (values (0), (2), (40)) v (d)`,
      [graphs],
    );
    const use = { amount: 7.5, idempotencyKey: 'x', description: 'x', operationType: 'test' };
    await api.get(CreditsService).consume(graphs[1], use);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  const usage = async (user: ApiUser, query = ''): Promise<OrgUsageResponse> =>
    (await api.call(`GET /v1/orgs/${owner.orgId}/usage${query}`, user)).json();

  it('adds up what its graphs used, by graph and by day', async () => {
    const week = await usage(owner, '?days=7');
    expect(week).toMatchObject({
      org_id: owner.orgId,
      period_days: 7,
      summary: {
        total_credits_used: 7.5,
        total_storage_gb: 3,
        // Two days of queries of two graphs, and two operations that made these.
        total_api_calls: 42,
        daily_avg_api_calls: 6,
        projected_monthly_api_calls: 180,
        credits_limit: 16_000,
        storage_limit_gb: 20,
      },
    });
    expect(week.graph_details).toHaveLength(2);
    expect(week.graph_details).toContainEqual(
      expect.objectContaining({ graph_id: graphs[0], graph_name: 'a', queries: 20, storage_gb: 3, credits_used: 0 }),
    );
    expect(week.daily_trend).toHaveLength(7);
    expect(week.daily_trend.at(-1)).toMatchObject({
      date: new Date().toISOString().slice(0, 10),
      ...{ queries: 20, operations: 2, api_calls: 22, credits_used: 7.5, storage_gb: 3 },
    });
    expect(week.daily_trend.at(-3)).toMatchObject({ queries: 20, operations: 0, storage_gb: 0 });
    expect(week.daily_trend.at(0)).toMatchObject({ queries: 0, api_calls: 0 });
    expect((await usage(owner, '?days=60')).summary).toMatchObject({ total_api_calls: 62 });
  });

  it('names only graphs that the member may see, and is hidden from everybody else', async () => {
    const member = await api.user();
    expect((await api.call(`GET /v1/orgs/${owner.orgId}/usage`, member)).statusCode).toBe(404);
    await api.sql(`insert into org_member (org_id, user_id, role, joined_at) values ($1, $2, 'member', now())`, [
      owner.orgId,
      member.id,
    ]);
    expect(await usage(member)).toMatchObject({ graph_details: [], summary: { total_storage_gb: 3 } });
    expect((await api.call(`GET /v1/orgs/${owner.orgId}/usage?days=0`, owner)).statusCode).toBe(422);
  });
});
