import { setTimeout as sleep } from 'node:timers/promises';
import type { LightMyRequestResponse } from 'fastify';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph, SLOW } from '../../test/support/queried-graph';
import { EngineLost, QueryInvalid } from '../engine/engine.errors';
import { GraphEngine } from '../engine/graph-engine';
import { QueriesConfig } from './queries.config';
import { QueryBoard } from './query-board';

const LIMITS = {
  'ladybug-standard': { query_timeout_seconds: 50, query_rows: 10, chunk_rows: 7 },
  'ladybug-large': { concurrent_queries: 1, waiting_queries: 1 },
};

interface Listed {
  query_id: string;
  statement: string;
  user_id: string;
}

/** One process runs the queries; the other one is asked about them. */
describe('queries', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let other: ApiApp;
  let user: ApiUser;
  let graph: string;

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { TIER_LIMITS: JSON.stringify(LIMITS), ENGINE_CONFINEMENT: 'none' };
    api = await ApiApp.start(database.url, settings);
    other = await ApiApp.start(database.url, settings);
    user = await api.user();
    graph = await queriedGraph(api, user);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await other?.stop();
    await database?.drop();
  });

  const ask = (
    query: string,
    { of = graph, by = user, more = {}, options = '' } = {},
  ): Promise<LightMyRequestResponse> => api.call(`POST /v1/graphs/${of}/query${options}`, by, { query, ...more });
  const listed = async (app: ApiApp, of: string, by: ApiUser, kind: 'running' | 'slow'): Promise<Listed[]> =>
    (await app.call(`GET /v1/graphs/${of}/queries/${kind}`, by)).json<{ queries: Listed[] }>().queries;
  /** The first query that a process shows as running on a graph. */
  async function running(app: ApiApp, of: string, by = user): Promise<Listed> {
    for (const deadline = Date.now() + 40_000; Date.now() < deadline; await sleep(20)) {
      const [found] = await listed(app, of, by, 'running');
      if (found !== undefined) return found;
    }
    throw new Error('No query is shown as running');
  }
  /** Somebody of the same organisation with a role in one graph. */
  async function member(of: string, role: string): Promise<ApiUser> {
    const newcomer = await api.user();
    await api.sql(`insert into org_member (org_id, user_id, role) values ($1, $2, 'member')`, [
      user.orgId,
      newcomer.id,
    ]);
    await api.sql('insert into graph_member (graph_id, user_id, role) values ($1, $2, $3)', [of, newcomer.id, role]);
    return newcomer;
  }

  describe('the limits of a tier', () => {
    const published = async () =>
      (await api.call(`GET /v1/graphs/${graph}/limits`, user)).json<{
        queries: { max_timeout_seconds: number; max_rows_per_query: number; chunk_size: number };
      }>().queries;

    it('cap the timeout, and say so', async () => {
      const { max_timeout_seconds: most } = await published();
      const capped = await ask('RETURN 1 AS n', { more: { timeout: most + 1 } });
      expect([capped.statusCode, capped.headers['x-timeout-capped']]).toEqual([200, String(most)]);
      const within = await ask('RETURN 1 AS n', { more: { timeout: most } });
      expect(within.headers).not.toHaveProperty('x-timeout-capped');
      expect((await ask('RETURN 1 AS n')).headers).not.toHaveProperty('x-timeout-capped');
    });

    it('cut a JSON answer and set the size of chunks', async () => {
      const { max_rows_per_query: rows, chunk_size: chunk } = await published();
      const statement = `UNWIND range(1, ${rows + 1}) AS n RETURN n`;
      expect((await ask(statement)).json()).toMatchObject({ row_count: rows, truncated: true });
      const [first] = (await ask(statement, { options: '?mode=stream' })).body.split('\n');
      expect(JSON.parse(first)).toMatchObject({ row_count: chunk });
    });

    it('refuse what exceeds the line of a graph with 429, and serve it again later', async () => {
      const large = await queriedGraph(api, user, 'ladybug-large');
      const first = ask(SLOW, { of: large });
      await running(api, large);
      const second = ask('RETURN 2 AS n', { of: large });
      while ((await listed(api, large, user, 'running')).length < 2) await sleep(10);
      const third = await ask('RETURN 3 AS n', { of: large });
      expect(third.json()).toMatchObject({ status: 429, code: 'too_many_queries', running: 1, waiting: 1 });
      expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
      const { query_id } = await running(api, large);
      await api.call(`DELETE /v1/graphs/${large}/queries/${query_id}`, user);
      expect((await first).statusCode).toBe(409);
      expect((await second).json()).toMatchObject({ data: [{ n: 2 }] });
    }, 60_000);
  });

  describe('while they run', () => {
    it('are listed with their sender, and ended by id', async () => {
      const answer = ask(SLOW, { more: { parameters: {} } });
      const { query_id, statement, user_id } = await running(api, graph);
      expect([statement, user_id]).toEqual([SLOW, user.id]);
      const killed = await api.call(`DELETE /v1/graphs/${graph}/queries/${query_id}`, user);
      expect(killed.json()).toEqual({ query_id, status: 'ended' });
      const ended = await answer;
      expect(ended.json()).toMatchObject({ status: 409, code: 'query_killed' });
      expect(ended.headers['x-query-id']).toBe(query_id);
      expect(await listed(api, graph, user, 'running')).toEqual([]);
      // The engine has no way to interrupt: its process is ended, and a new one answers.
      expect((await ask('RETURN 1 AS n')).json()).toMatchObject({ data: [{ n: 1 }] });
      const [audit] = await api.sql(`select target from audit_event where action = 'query.killed' and target = $1`, [
        query_id,
      ]);
      expect(audit).toBeDefined();
    }, 60_000);

    it('are seen and ended from another process', async () => {
      const answer = ask(SLOW);
      await running(api, graph);
      const { query_id, statement } = await running(other, graph);
      expect(statement).toBe(SLOW);
      const killed = await other.call(`DELETE /v1/graphs/${graph}/queries/${query_id}`, user);
      expect(killed.json()).toEqual({ query_id, status: 'requested' });
      expect((await answer).json()).toMatchObject({ code: 'query_killed' });
      await api.get(QueryBoard).tell();
      expect(await listed(other, graph, user, 'running')).toEqual([]);
    }, 60_000);

    it('are ended by their sender or an admin of the graph, and by nobody else', async () => {
      const [viewer, peer] = [await member(graph, 'viewer'), await member(graph, 'member')];
      const answer = ask(SLOW, { by: viewer });
      const { query_id } = await running(api, graph, peer);
      const kill = (by: ApiUser) => api.call(`DELETE /v1/graphs/${graph}/queries/${query_id}`, by);
      expect((await kill(peer)).json()).toMatchObject({ status: 403, code: 'not_your_query' });
      expect((await kill(await api.user())).statusCode).toBe(404);
      expect((await kill(viewer)).statusCode).toBe(200);
      expect((await answer).json()).toMatchObject({ code: 'query_killed' });
      expect((await kill(viewer)).json()).toMatchObject({ status: 404, code: 'query_not_found' });
    }, 60_000);

    it('are not found under another graph', async () => {
      const elsewhere = await queriedGraph(api, user);
      const answer = ask(SLOW);
      const { query_id } = await running(api, graph);
      expect((await api.call(`DELETE /v1/graphs/${elsewhere}/queries/${query_id}`, user)).statusCode).toBe(404);
      await api.call(`DELETE /v1/graphs/${graph}/queries/${query_id}`, user);
      expect((await answer).statusCode).toBe(409);
    }, 60_000);
  });

  describe('that ask for a plan', () => {
    it('get it as a tree, without being run', async () => {
      const statement = 'MATCH (p:Person {id: $id}) RETURN p.name';
      const more = { parameters: { id: 1 } };
      const plan = { operator: 'RESULT_COLLECTOR', children: [{ operator: 'PROJECTION', rows: 0 }] };
      expect((await ask(`EXPLAIN ${statement}`, { more })).json()).toMatchObject({ success: true, plan });
      expect((await ask(statement, { more, options: '?explain=true' })).json()).toMatchObject({ plan });
      expect((await ask(statement, { more })).json()).not.toHaveProperty('plan');
    });

    it('get it with what was measured', async () => {
      expect((await ask('profile MATCH (p:Person) RETURN p.name')).json()).toMatchObject({
        plan: { operator: 'PROFILE', time_ms: expect.any(Number) as number },
      });
    });

    it('are refused if they would write', async () => {
      const write = "CREATE (:Person {id: 5, name: 'Eve'})";
      for (const statement of [`EXPLAIN ${write}`, `PROFILE ${write}`]) {
        expect((await ask(statement)).json()).toMatchObject({ status: 403 });
      }
      expect((await ask(write, { options: '?explain=true' })).json()).toMatchObject({ status: 403 });
      expect((await ask('MATCH (p:Person) RETURN count(*) AS n')).json()).toMatchObject({ data: [{ n: 0 }] });
    });
  });

  it('that were slow are listed without the values of their parameters', async () => {
    const statement = 'UNWIND range(1, 9000) AS a WITH a WHERE a < $most RETURN count(*) AS n';
    const of = await queriedGraph(api, user);
    const config = api.get(QueriesConfig) as { slowMs: number };
    config.slowMs = 0;
    expect((await ask(statement, { of, more: { parameters: { most: 4711 } } })).statusCode).toBe(200);
    config.slowMs = 60_000;
    await ask('RETURN 1 AS n', { of });
    const slow = await listed(api, of, user, 'slow');
    expect(slow).toMatchObject([{ statement, user_id: user.id, row_count: 1, outcome: 'completed' }]);
    expect(JSON.stringify(slow)).not.toContain('4711');
  }, 60_000);

  describe('of a graph whose engine fails', () => {
    afterEach(() => jest.restoreAllMocks());

    it('are refused after five failures in a row, and tried again', async () => {
      const of = await queriedGraph(api, user);
      const engine = jest.spyOn(api.get(GraphEngine), 'query').mockRejectedValue(new EngineLost());
      for (let i = 0; i < 5; i += 1)
        expect((await ask('RETURN 1', { of })).json()).toMatchObject({ code: 'engine_lost' });
      const refused = await ask('RETURN 1', { of });
      expect(refused.json()).toMatchObject({ status: 503, code: 'graph_circuit_open' });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(engine).toHaveBeenCalledTimes(5);
      engine.mockRestore();
      expect((await ask('RETURN 1 AS n')).statusCode).toBe(200);
    }, 60_000);

    it('are not refused for what users do wrong', async () => {
      const of = await queriedGraph(api, user);
      for (let i = 0; i < 12; i += 1) expect((await ask('RETRUN 1', { of })).statusCode).toBe(400);
      jest.spyOn(api.get(GraphEngine), 'query').mockRejectedValue(new QueryInvalid('no'));
      for (let i = 0; i < 12; i += 1) expect((await ask('RETURN 1', { of })).statusCode).toBe(400);
      jest.restoreAllMocks();
      expect((await ask('RETURN 1 AS n', { of })).statusCode).toBe(200);
    }, 60_000);
  });

  it('are metered: number, time, rows and bytes, over all processes, with nothing lost at a graceful end', async () => {
    const one = await ApiApp.start(database.url, { ENGINE_CONFINEMENT: 'none' });
    const owner = await one.user();
    const of = await queriedGraph(one, owner);
    const send = (query: string) => one.call(`POST /v1/graphs/${of}/query`, owner, { query });
    await Promise.all(Array.from({ length: 6 }, () => send('UNWIND range(1, 3) AS n RETURN n')));
    expect((await send('RETRUN')).statusCode).toBe(400);
    await one.stop();
    const rows = await api.sql(
      'select queries, failures, rows, bytes, total_ms, max_ms from query_stat where graph_id = $1',
      [of],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      queries: 7,
      failures: 1,
      rows: '18',
      bytes: String(6 * '{"n":1},{"n":2},{"n":3}'.length),
    });
    expect(rows[0].total_ms).toBeGreaterThanOrEqual(rows[0].max_ms as number);
  }, 60_000);
});
