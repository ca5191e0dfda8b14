import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';
import { periodOf } from './usage.service';

interface Usage {
  query_summary: object;
  storage_summary: { total_gb_hours: number; avg_storage_gb: number; max_storage_gb: number } | null;
  performance_insights: { operation_stats: object; slow_queries: object[]; total_operations: number } | null;
  recent_events: object[];
  daily_trend: object[];
}

const GB = 1024 ** 3;

describe('the usage of a graph', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graph: string;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url, { ENGINE_CONFINEMENT: 'none', QUERY_SLOW_MS: '0' });
    user = await api.user();
    graph = await queriedGraph(api, user);
    for (let i = 0; i < 3; i += 1) {
      await api.call(`POST /v1/graphs/${graph}/query`, user, { query: 'UNWIND range(1, 4) AS n RETURN n' });
    }
    await api.call(`POST /v1/graphs/${graph}/query`, user, { query: 'RETRUN' });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  const usage = async (rest = ''): Promise<Usage> =>
    (await api.call(`GET /v1/graphs/${graph}/analytics/usage${rest}`, user)).json<Usage>();

  it('tells what it holds and how it was queried', async () => {
    const metrics = (await api.call(`GET /v1/graphs/${graph}/analytics`, user)).json<object>();
    expect(metrics).toMatchObject({
      graph_id: graph,
      user_role: 'admin',
      total_nodes: 0,
      node_counts: { Person: 0 },
      relationship_counts: {},
      queries_24h: { count: 4, failed: 1, rows_returned: 12 },
    });
  });

  it('adds up over the queries of the time that was asked for', async () => {
    await api.sql(
      `insert into query_stat (graph_id, hour, queries, failures, total_ms, max_ms, rows, bytes, last_query_at)
       values ($1, date_trunc('hour', now() - interval '3 days'), 100, 10, 5000, 900, 1000, 20000, now())`,
      [graph],
    );
    expect(await usage('?time_range=24h')).toMatchObject({ query_summary: { count: 4, rows_returned: 12 } });
    expect(await usage('?time_range=7d')).toMatchObject({
      query_summary: { count: 104, failed: 11, rows_returned: 1012, max_ms: expect.any(Number) as number },
    });
    expect((await api.call(`GET /v1/graphs/${graph}/analytics/usage?time_range=ever`, user)).statusCode).toBe(422);
  });

  it('knows the storage exactly, from when which data was live', async () => {
    await api.sql(`delete from generation where graph_id = $1`, [graph]);
    const live = (number: number, bytes: number, from: string, to: string | null, status: string) =>
      api.sql(
        `insert into generation (graph_id, number, status, manifest, published_at, retired_at)
         values ($1, $2, $3, $4, now() - $5::interval, now() - $6::interval)`,
        [graph, number, status, JSON.stringify({ bytes }), from, to],
      );
    await live(10, GB, '30 hours', '12 hours', 'retired');
    await live(11, 3 * GB, '12 hours', null, 'live');
    const { storage_summary } = await usage('?time_range=24h');
    expect(storage_summary).toMatchObject({ graph_tier: 'ladybug-standard', max_storage_gb: 3, min_storage_gb: 1 });
    expect(storage_summary!.total_gb_hours).toBeCloseTo(12 * 1 + 12 * 3, 1);
    expect(storage_summary!.avg_storage_gb).toBeCloseTo(2, 2);
    expect((await usage('?include_storage=false')).storage_summary).toBeNull();
    const { daily_trend } = await usage('?time_range=7d');
    // The first day is one in part, as the present one is.
    expect(daily_trend).toHaveLength(8);
    expect(daily_trend.at(-1)).toMatchObject({ queries: 4, operations: 0, storage_gb: 3 });
    expect(daily_trend.at(-4)).toMatchObject({ queries: 100, storage_gb: 0 });
    // At the end of the day before the smaller one was live, or nothing was yet.
    expect([0, 1, 3]).toContain((daily_trend.at(-2) as { storage_gb: number }).storage_gb);
  });

  it('shows performance and events where asked', async () => {
    expect(await usage()).toMatchObject({
      performance_insights: null,
      recent_events: [],
      credit_summary: { total_credits_consumed: 0 },
    });
    expect(await usage('?include_credits=false')).toMatchObject({ credit_summary: null });
    await api.sql(
      `insert into operation (id, type, status, org_id, user_id, graph_id, payload, max_attempts, started_at, ended_at)
       values ('op_x', 'graph_materialization', 'completed', $1, $2, $3, '{}', 1, now() - interval '2 s', now())`,
      [user.orgId, user.id, graph],
    );
    const { performance_insights: insights, recent_events } = await usage(
      '?time_range=24h&include_performance=true&include_events=true',
    );
    expect(insights).toMatchObject({
      total_operations: 5,
      performance_score: 75,
      operation_stats: { query: { count: 4 }, graph_materialization: { count: 1, failed: 0 } },
    });
    expect(insights!.slow_queries).toHaveLength(4);
    expect(recent_events).toMatchObject([{ operation_id: 'op_x', event_type: 'graph_materialization' }]);
  });

  it('has months of UTC', () => {
    const now = new Date('2026-01-15T12:00:00Z');
    expect(periodOf('last_month', now)).toEqual({ from: new Date('2025-12-01'), to: new Date('2026-01-01') });
    expect(periodOf('current_month', now)).toEqual({ from: new Date('2026-01-01'), to: now });
  });
});
