import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { Ids } from '../common/ids';
import type { OperationStatus } from '../operations/operation-transitions';

interface Started {
  operation_id: string;
  retry_of: string;
  _links: object;
  code?: string;
}

const PAYLOADS: Record<string, object> = {
  graph_materialization: { force: true, ignoreErrors: false },
  graph_deletion: {},
  query_execution: { timeoutSeconds: 7 },
};

describe('retrying an operation', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let owner: ApiUser;
  let graphId: string;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
  }, 60_000);
  beforeEach(async () => {
    owner = await api.user();
    graphId = new Ids().graph();
    await api.sql(
      `insert into graph (id, org_id, name, tier, status, schema) values ($1, $2, 'g', 't', 'active', '{}')`,
      [graphId, owner.orgId],
    );
  });
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  async function ended(type = 'graph_materialization', status: OperationStatus = 'failed'): Promise<string> {
    const id = new Ids().operation();
    await api.sql(
      `insert into operation (id, type, status, org_id, user_id, graph_id, payload, max_attempts)
       values ($1, $2, $3, $4, $5, $6, $7, 3)`,
      [id, type, status, owner.orgId, owner.id, graphId, JSON.stringify(PAYLOADS[type])],
    );
    return id;
  }

  async function memberOfGraph(role: string): Promise<ApiUser> {
    const user = await api.user();
    await api.sql(`insert into org_member (org_id, user_id, role) values ($1, $2, 'member')`, [owner.orgId, user.id]);
    await api.sql('insert into graph_member (graph_id, user_id, role) values ($1, $2, $3)', [graphId, user.id, role]);
    return user;
  }

  async function retry(id: string, status: number, user = owner, headers = {}): Promise<Started> {
    const response = await api.call(`POST /v1/operations/${id}/retry`, user, undefined, headers);
    expect([response.statusCode, response.body]).toEqual([status, expect.any(String)]);
    return response.json<Started>();
  }

  const row = async (id: string) => (await api.sql('select * from operation where id = $1', [id]))[0];
  const retriesOf = (id: string) => api.sql('select id from operation where retry_of = $1', [id]);

  it.each(['failed', 'cancelled'] as const)('that has %s begins a new one that does the same', async (status) => {
    const id = await ended('graph_materialization', status);
    const started = await retry(id, 202);
    const operation = started.operation_id;
    expect(started).toMatchObject({
      operation_type: 'graph_materialization',
      status: 'pending',
      graph_id: graphId,
      retry_of: id,
      _links: { stream: `/v1/operations/${operation}/stream`, cancel: `/v1/operations/${operation}` },
    });
    const { payload } = await row(id);
    expect(await row(operation)).toMatchObject({ payload, retry_of: id, org_id: owner.orgId, user_id: owner.id });
    expect(await row(id)).toMatchObject({ status });
    expect(await api.sql('select actor_id, action, details from audit_event where target = $1', [id])).toEqual([
      {
        actor_id: owner.id,
        action: 'operation.retried',
        details: { operation_id: operation, operation_type: 'graph_materialization' },
      },
    ]);
    expect(await retry(id, 409)).toMatchObject({ code: 'operation_retried', operation_id: operation });
  });

  it.each(['pending', 'running', 'completed'] as const)('that is %s is refused', async (status) => {
    const id = await ended('graph_materialization', status);
    expect(await retry(id, 409)).toMatchObject({ code: 'operation_not_failed', status: 409 });
    expect(await retriesOf(id)).toEqual([]);
  });

  it('closes its dead letter in the same step', async () => {
    const id = await ended();
    await api.sql(`insert into dead_letter (operation_id, reason, payload, attempts) values ($1, 'test', '{}', '[]')`, [
      id,
    ]);
    const letter = () =>
      api.sql('select status, retried_as, resolved_by from dead_letter where operation_id = $1', [id]);
    const lock = `graph:${graphId}`;
    const other = await ended('graph_materialization', 'running');
    await api.sql('insert into operation_lock (resource, operation_id) values ($1, $2)', [lock, other]);
    expect(await retry(id, 409)).toMatchObject({ code: 'operation_in_progress', operation_id: other });
    expect(await letter()).toEqual([{ status: 'open', retried_as: null, resolved_by: null }]);
    await api.sql('delete from operation_lock where resource = $1', [lock]);
    const { operation_id } = await retry(id, 202);
    expect(await letter()).toEqual([{ status: 'retried', retried_as: operation_id, resolved_by: owner.id }]);
  });

  it('twice at once begins one', async () => {
    // Without a lock on the graph, so that nothing else keeps the second one out.
    const id = await ended('query_execution');
    await api.sql(
      `insert into query_result (operation_id, graph_id, statement, parameters) values ($1, $2, 'S', '{}')`,
      [id, graphId],
    );
    const answers = await Promise.all([1, 2, 3, 4].map(() => api.call(`POST /v1/operations/${id}/retry`, owner)));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([202, 409, 409, 409]);
    const [{ id: only }, ...more] = await retriesOf(id);
    expect(more).toEqual([]);
    expect(await api.sql('select statement from query_result where operation_id = $1', [only])).toEqual([
      { statement: 'S' },
    ]);
  });

  it('with the same Idempotency-Key answers as the first time', async () => {
    const id = await ended();
    const headers = { 'idempotency-key': 'once' };
    const first = await retry(id, 202, owner, headers);
    expect(await retry(id, 202, owner, headers)).toEqual(first);
    expect(await retriesOf(id)).toHaveLength(1);
  });

  it('takes the role that the first request took, and a key with its scope', async () => {
    const [viewer, member, admin] = [
      await memberOfGraph('viewer'),
      await memberOfGraph('member'),
      await memberOfGraph('admin'),
    ];
    const load = await ended();
    expect(await retry(load, 403, viewer)).toMatchObject({ code: 'role_required', required_role: 'member' });
    const key = await api.call('POST /v1/user/api-keys', member, { name: 'reader', scopes: ['read'] });
    const reader = { ...member, headers: { 'x-api-key': key.json<{ key: string }>().key } };
    expect(await retry(load, 403, reader)).toMatchObject({ code: 'scope_required' });
    expect(await retriesOf(load)).toEqual([]);
    const { operation_id } = await retry(load, 202, member);
    await api.sql('delete from operation_lock where operation_id = $1', [operation_id]);
    const deletion = await ended('graph_deletion');
    expect(await retry(deletion, 403, member)).toMatchObject({ code: 'role_required', required_role: 'admin' });
    await retry(deletion, 202, admin);
    const query = await ended('query_execution');
    await api.sql(
      `insert into query_result (operation_id, graph_id, statement, parameters) values ($1, $2, 'S', '{}')`,
      [query, graphId],
    );
    await retry(query, 202, viewer);
  });

  it('of another organisation, of none and of an unknown type changes nothing', async () => {
    const id = await ended();
    expect(await retry(id, 404, await api.user())).toMatchObject({ code: 'operation_not_found' });
    await retry('nonsense', 404);
    await retry(new Ids().operation(), 404);
    await api.sql(`update operation set type = 'of_old' where id = $1`, [id]);
    expect(await retry(id, 409)).toMatchObject({ code: 'operation_not_repeatable' });
    expect(await retriesOf(id)).toEqual([]);
  });
});
