import { setTimeout as sleep } from 'node:timers/promises';
import type { LightMyRequestResponse } from 'fastify';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph, SLOW } from '../../test/support/queried-graph';
import { EngineLost } from '../engine/engine.errors';
import { GraphEngine } from '../engine/graph-engine';
import { ObjectStore } from '../storage/object-store';
import { QueriesConfig } from './queries.config';
import { QueryStats } from './query-stats';

const LIMITS = {
  '*': { kept_rows: 50_000, query_timeout_seconds: 50 },
  'ladybug-large': { concurrent_queries: 1 },
};
const PATIENCE_MS = 30_000;

interface Begun {
  operation_id: string;
}
interface Ended {
  status: string;
  result: Record<string, unknown> | null;
  error: { code: string } | null;
}

/** With a worker, which runs them: what holds for queries at the door holds for those that run as operations. */
describe('queries that run as operations', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graph: string;

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { TIER_LIMITS: JSON.stringify(LIMITS), ENGINE_CONFINEMENT: 'none', ROLES: 'api,worker,engine' };
    api = await ApiApp.start(database.url, settings);
    user = await api.user();
    graph = await queriedGraph(api, user);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });
  afterEach(() => jest.restoreAllMocks());

  async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(20)) {
      const found = await look();
      if (found !== undefined) return found;
    }
    throw new Error(`Not seen: ${what}`);
  }
  const ask = (
    query: string,
    { of = graph, more = {}, by = user, headers = {}, route = 'queries' } = {},
  ): Promise<LightMyRequestResponse> => api.call(`POST /v1/graphs/${of}/${route}`, by, { query, ...more }, headers);
  async function begin(query: string, of = graph, by = user): Promise<string> {
    const answer = await ask(query, { of, by });
    expect(answer.statusCode).toBe(202);
    return answer.json<Begun>().operation_id;
  }
  const ended = (operationId: string): Promise<Ended> =>
    until(`the end of ${operationId}`, async () => {
      const found = (await api.call(`GET /v1/operations/${operationId}/status`, user)).json<Ended>();
      return ['completed', 'failed', 'cancelled'].includes(found.status) ? found : undefined;
    });
  const listed = async (kind: string, of = graph): Promise<Record<string, unknown>[]> =>
    (await api.call(`GET /v1/graphs/${of}/queries/${kind}`, user)).json<{ queries: Record<string, unknown>[] }>()
      .queries;
  const shownAsRunning = (id: string, of = graph) =>
    until(`${id} among those that run`, async () => (await listed('running', of)).find((one) => one.query_id === id));
  const kill = (id: string, by = user) => api.call(`DELETE /v1/graphs/${graph}/queries/${id}`, by);
  const page = async (id: string, offset: number, limit: number) =>
    (await api.call(`GET /v1/graphs/${graph}/queries/${id}/result?offset=${offset}&limit=${limit}`, user)).json<{
      data: { n: number }[];
      truncated: boolean;
      total_rows: number;
    }>();

  it('are cut at what the tier allows, and say so', async () => {
    const id = await begin('UNWIND range(1, 50001) AS n RETURN n');
    expect((await ended(id)).result).toMatchObject({ row_count: 50_000, truncated: true });
    expect(await page(id, 0, 1)).toMatchObject({ total_rows: 50_000, truncated: true });
    const whole = await begin('UNWIND range(1, 50000) AS n RETURN n');
    expect((await ended(whole)).result).toMatchObject({ row_count: 50_000, truncated: false });
    expect(await page(whole, 0, 1)).toMatchObject({ truncated: false });
  }, 90_000);

  it('are read in pages from near where the page begins', async () => {
    const id = await begin('UNWIND range(1, 41000) AS n RETURN n ORDER BY n');
    await ended(id);
    const get = jest.spyOn(api.get(ObjectStore), 'get');
    for (const offset of [0, 1, 1_999, 2_000, 2_001, 39_999, 40_000, 40_995]) {
      const { data } = await page(id, offset, 10);
      const expected = Array.from({ length: Math.min(10, 41_000 - offset) }, (_, i) => offset + 1 + i);
      expect(data.map(({ n }) => n)).toEqual(expected);
    }
    // Lines of numbers up to 41000 as {"n":...}: the last page begins after more than 400 KB.
    expect(get.mock.calls.at(-1)![1]!.start).toBeGreaterThan(400_000);
    expect((await page(id, 41_000, 10)).data).toEqual([]);
    // Results of before there was an index.
    await api.sql('update query_result set line_offsets = null where operation_id = $1', [id]);
    expect((await page(id, 40_995, 10)).data.map(({ n }) => n)).toEqual([40_996, 40_997, 40_998, 40_999, 41_000]);
  }, 90_000);

  it('are listed while they run, and ended by their id, by those who may', async () => {
    const id = await begin(SLOW);
    expect(await shownAsRunning(id)).toMatchObject({ statement: SLOW, user_id: user.id });
    const peer = await api.user();
    await api.sql(`insert into org_member (org_id, user_id, role) values ($1, $2, 'member')`, [user.orgId, peer.id]);
    await api.sql(`insert into graph_member (graph_id, user_id, role) values ($1, $2, 'member')`, [graph, peer.id]);
    expect((await kill(id, peer)).json()).toMatchObject({ status: 403, code: 'not_your_query' });
    expect((await kill(id, await api.user())).statusCode).toBe(404);
    expect((await kill(id)).json()).toEqual({ query_id: id, status: 'requested' });
    expect((await ended(id)).status).toBe('cancelled');
    await until('nothing runs', async () => ((await listed('running')).length === 0 ? true : undefined));
    expect((await kill(id)).json()).toMatchObject({ status: 404, code: 'query_not_found' });
    const result = await api.call(`GET /v1/graphs/${graph}/queries/${id}/result`, user);
    expect(result.json()).toMatchObject({ code: 'query_without_result', operation_status: 'cancelled' });
    // Its engine process went with it; the next one answers.
    expect((await ask('RETURN 1 AS n', { route: 'query' })).json()).toMatchObject({ data: [{ n: 1 }] });
  }, 90_000);

  it('are metered, and slow ones are listed', async () => {
    const of = await queriedGraph(api, user);
    const config = api.get(QueriesConfig) as { slowMs: number };
    const before = config.slowMs;
    config.slowMs = 0;
    try {
      const id = await begin('UNWIND range(1, 7) AS n RETURN n', of);
      await ended(id);
      const slow = await listed('slow', of);
      expect(slow).toMatchObject([{ query_id: id, row_count: 7, outcome: 'completed', user_id: user.id }]);
      expect(await api.get(QueryStats).lastDay(of)).toMatchObject({ queries: 1, failures: 0, rows: 7 });
    } finally {
      config.slowMs = before;
    }
  }, 90_000);

  it('wait for those at the door where a graph has but one place, and are done when that is free', async () => {
    const of = await queriedGraph(api, user, 'ladybug-large');
    const first = ask(SLOW, { of, route: 'query?mode=sync' });
    const [{ query_id: blocking }] = await until('the slow one', async () => {
      const found = await listed('running', of);
      return found.length > 0 ? found : undefined;
    });
    const id = await begin('RETURN 1 AS n', of);
    await shownAsRunning(id, of);
    expect((await api.call(`GET /v1/operations/${id}/status`, user)).json()).toMatchObject({ status: 'running' });
    await api.call(`DELETE /v1/graphs/${of}/queries/${blocking as string}`, user);
    expect((await first).statusCode).toBe(409);
    expect((await ended(id)).status).toBe('completed');
  }, 90_000);

  it('of one organisation leave places of the worker to others, and all have their turn', async () => {
    const many = await queriedGraph(api, user);
    const mine: string[] = [];
    for (let i = 0; i < 40; i += 1) mine.push(await begin(i < 34 ? SLOW : `RETURN ${i} AS n`, many));
    await shownAsRunning(mine[0], many);
    const other = await api.user();
    const theirs = await queriedGraph(api, other);
    const statusOf = async (id: string, by: ApiUser) =>
      (await api.call(`GET /v1/operations/${id}/status`, by)).json<Ended>().status;
    const id = await begin('RETURN 1 AS n', theirs, other);
    await until('the end of the only query of somebody else', async () =>
      (await statusOf(id, other)) === 'completed' ? true : undefined,
    );
    const statuses = async () => {
      const rows = await api.sql<{ status: string }>('select status from operation where id = any($1)', [mine]);
      return rows.map(({ status }) => status);
    };
    expect((await statuses()).filter((status) => status === 'running').length).toBeLessThanOrEqual(4);
    for (const slow of mine.slice(0, 34)) await api.call(`DELETE /v1/operations/${slow}`, user);
    await until('the end of all', async () =>
      (await statuses()).every((status) => ['completed', 'cancelled'].includes(status)) ? true : undefined,
    );
    expect((await statuses()).filter((status) => status === 'completed')).toHaveLength(6);
  }, 120_000);

  it('count for the breaker, and are refused while it is open', async () => {
    const of = await queriedGraph(api, user);
    const engine = jest.spyOn(api.get(GraphEngine), 'query').mockRejectedValue(new EngineLost());
    for (let i = 0; i < 5; i += 1) await ask('RETURN 1', { of, route: 'query?mode=sync' });
    engine.mockClear();
    const { status, error } = await ended(await begin('RETURN 1', of));
    expect([status, error?.code]).toEqual(['failed', 'graph_circuit_open']);
    expect(engine).not.toHaveBeenCalled();
  }, 90_000);

  it('begin once for one Idempotency-Key, by both routes, also where both arrive at once', async () => {
    for (const route of ['queries', 'query?mode=async']) {
      const send = () =>
        ask('RETURN 1 AS n', { route, headers: { 'idempotency-key': `once ${route}`.replace(' ', '-') } });
      const answers = [...(await Promise.all([send(), send()])), await send()];
      const ids = answers.filter(({ statusCode }) => statusCode === 202).map((one) => one.json<Begun>().operation_id);
      // The second of two at once may be told to come again; it never begins another one.
      for (const refused of answers.filter(({ statusCode }) => statusCode !== 202)) {
        expect(refused.json()).toMatchObject({ code: 'idempotency_in_progress' });
      }
      expect(ids.length).toBeGreaterThanOrEqual(2);
      expect(new Set(ids).size).toBe(1);
    }
    const again = await ask('RETURN 2 AS n', {
      route: 'query?mode=async',
      headers: { 'idempotency-key': 'once-queries' },
    });
    expect(again.statusCode).toBe(202);
  }, 60_000);

  it('are what becomes of a query of mode=auto that has waited long for its turn', async () => {
    const of = await queriedGraph(api, user, 'ladybug-large');
    const config = api.get(QueriesConfig) as { autoWaitSeconds: number };
    const first = ask(SLOW, { of, route: 'query?mode=sync' });
    const [{ query_id: blocking }] = await until('the slow one', async () => {
      const found = await listed('running', of);
      return found.length > 0 ? found : undefined;
    });
    const before = config.autoWaitSeconds;
    config.autoWaitSeconds = 0.05;
    try {
      const answer = await ask('RETURN 1 AS n', { of, route: 'query', more: { timeout: 60 } });
      expect(answer.statusCode).toBe(202);
      const { operation_id: id } = answer.json<Begun>();
      expect(answer.json()).toMatchObject({ query_id: id, notices: [{ code: 'timeout_capped' }] });
      await api.call(`DELETE /v1/graphs/${of}/queries/${blocking as string}`, user);
      await first;
      expect((await ended(id)).status).toBe('completed');
      // It was counted once, as what it became.
      expect(await api.get(QueryStats).lastDay(of)).toMatchObject({ queries: 2, failures: 1 });
    } finally {
      config.autoWaitSeconds = before;
    }
  }, 90_000);

  it('say where the tier allows less time, in the body as in the header', async () => {
    const more = { timeout: 60 };
    const notices = [{ code: 'timeout_capped', message: expect.stringContaining('50 s') as string }];
    expect((await ask('RETURN 1 AS n', { more })).json()).toMatchObject({ notices });
    const json = await ask('RETURN 1 AS n', { more, route: 'query' });
    expect([json.headers['x-timeout-capped'], json.json()]).toMatchObject(['50', { notices }]);
    const [first] = (await ask('RETURN 1 AS n', { more, route: 'query?mode=stream' })).body.split('\n');
    expect(JSON.parse(first)).toMatchObject({ notices });
    const events = await ask('RETURN 1 AS n', { more, route: 'query', headers: { accept: 'text/event-stream' } });
    expect(events.body).toContain('"timeout_capped"');
    expect((await ask('RETURN 1 AS n', { route: 'query' })).json()).not.toHaveProperty('notices');
  });
});
