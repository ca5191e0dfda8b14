import type { LightMyRequestResponse } from 'fastify';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { OperationsService } from './operations.service';

interface Answer {
  operation_id: string;
  status: string;
}

describe('Prefer: wait', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url, { DATABASE_POOL_SIZE: '2' });
  }, 60_000);
  beforeEach(async () => {
    user = await api.user();
  });
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  const create = (headers: Record<string, string>, name = 'one'): Promise<LightMyRequestResponse> =>
    api.call('POST /v1/graphs', user, { metadata: { graph_name: name } }, headers);
  const pending = async (n: number): Promise<string[]> => {
    for (const deadline = Date.now() + 40_000; Date.now() < deadline;) {
      const rows = await api.sql<{ id: string }>(
        `select id from operation where user_id = $1 and status = 'pending' order by id`,
        [user.id],
      );
      if (rows.length === n) return rows.map(({ id }) => id);
    }
    throw new Error(`${n} operations have not begun within ten seconds`);
  };
  const cancel = (id: string): Promise<LightMyRequestResponse> => api.call(`DELETE /v1/operations/${id}`, user);

  it('answers with what came of the operation as soon as it has ended', async () => {
    const waiting = create({ prefer: 'respond-async, wait=30' });
    const [id] = await pending(1);
    await cancel(id);
    const response = await waiting;
    expect([response.statusCode, response.headers['preference-applied']]).toEqual([200, 'wait=30']);
    expect(response.json()).toMatchObject({ operation_id: id, status: 'cancelled', result: null });
  });

  it('answers with the operation as it is when the wait runs out', async () => {
    const response = await create({ prefer: 'wait=0' });
    expect([response.statusCode, response.headers['preference-applied']]).toEqual([202, 'wait=0']);
    expect(response.json()).toMatchObject({ status: 'pending', attempt: 0 });
  });

  it.each(['respond-async', 'wait', 'wait=soon', 'wait=-1'])('is not there in "%s"', async (prefer) => {
    const response = await create({ prefer });
    expect([response.statusCode, response.headers['preference-applied']]).toEqual([202, undefined]);
    expect(response.json()).not.toHaveProperty('attempt');
  });

  it('waits no longer than proxies do', async () => {
    const waiting = create({ prefer: 'wait=3600' });
    const [id] = await pending(1);
    await cancel(id);
    expect((await waiting).headers['preference-applied']).toBe('wait=50');
  });

  it('holds no connection to the database', async () => {
    await api.sql(`update org set org_type = 'team' where id = $1`, [user.orgId]);
    const waiting = Array.from({ length: 10 }, (_, i) => create({ prefer: 'wait=30' }, `g${i}`));
    // With its two connections the process begins ten operations, answers others, and ends the ten.
    const ids = await pending(10);
    expect((await api.call('GET /v1/user', user)).statusCode).toBe(200);
    for (const id of ids) await cancel(id);
    const answers = await Promise.all(waiting);
    expect(answers.map((answer) => answer.json<Answer>().status)).toEqual(Array<string>(10).fill('cancelled'));
  });

  it('also waits in a repeat, for the operation that the first sending began', async () => {
    const once = (headers: Record<string, string> = {}): Promise<LightMyRequestResponse> =>
      create({ 'idempotency-key': 'key', ...headers });
    const first = await once();
    expect(first.json()).toMatchObject({ status: 'pending' });
    const waited = jest.spyOn(api.get(OperationsService), 'waitUntilEnded');
    const waiting = once({ prefer: 'wait=30' });
    const [id] = await pending(1);
    while (waited.mock.calls.length === 0) await new Promise(setImmediate);
    await cancel(id);
    const repeat = await waiting;
    expect([repeat.statusCode, repeat.headers['idempotency-replayed']]).toEqual([200, 'true']);
    expect(repeat.json()).toMatchObject({ operation_id: id, status: 'cancelled' });
    // The preference belongs to the sending: without it, the first answer comes again.
    const plain = await once();
    expect([plain.statusCode, plain.body]).toEqual([202, first.body]);
  });

  it('is heeded by both routes that do an operation again', async () => {
    await api.sql('update app_user set is_operator = true where id = $1', [user.id]);
    const retried = async (route: string, of: string): Promise<string> => {
      await api.sql(`update graph set status = 'failed'`);
      const waiting = api.call(route, user, undefined, { prefer: 'wait=30' });
      const [id] = await pending(1);
      await cancel(id);
      const response = await waiting;
      expect([response.statusCode, response.headers['preference-applied']]).toEqual([200, 'wait=30']);
      expect(response.json()).toMatchObject({ operation_id: id, status: 'cancelled', retry_of: of });
      return id;
    };
    const { operation_id: first } = (await create({})).json<Answer>();
    await cancel(first);
    const second = await retried(`POST /v1/operations/${first}/retry`, first);
    await api.sql(`insert into dead_letter (operation_id, reason, payload, attempts) values ($1, 'test', '{}', '[]')`, [
      second,
    ]);
    await retried(`POST /v1/admin/dead-letters/${second}/retry`, second);
  });

  it('is heeded by every other route that starts an operation', async () => {
    const schema = { nodes: [{ name: 'P', properties: [{ name: 'id', type: 'INT64', is_primary_key: true }] }] };
    const body = { metadata: { graph_name: 'one' }, custom_schema: { name: 's', ...schema, relationships: [] } };
    const made = await api.call('POST /v1/graphs', user, body);
    const { operation_id: creation, graph_id: graphId } = made.json<Answer & { graph_id: string }>();
    await cancel(creation);
    await api.sql(`update graph set status = 'active' where id = $1`, [graphId]);
    const path = `/v1/graphs/${graphId}`;
    const impatient = { prefer: 'wait=0' };

    const announced = await api.call(`POST ${path}/files`, user, {
      file_name: 'p.csv',
      content_type: 'text/csv',
      table_name: 'P',
    });
    const { file_id, upload_url } = announced.json<{ file_id: string; upload_url: string }>();
    const { pathname, search } = new URL(upload_url);
    const headers = { 'content-type': 'text/csv' };
    await api.app.inject({ method: 'PUT', url: pathname + search, headers, payload: 'id\n1\n' });
    const staging = await api.call(`PATCH ${path}/files/${file_id}`, user, { status: 'uploaded' }, impatient);
    expect([staging.statusCode, staging.headers['preference-applied']]).toEqual([202, 'wait=0']);
    expect(staging.json()).toMatchObject({
      file_id,
      status: 'staging',
      operation_id: expect.stringMatching(/^op_/) as string,
    });
    await cancel(staging.json<Answer>().operation_id);

    const materialization = await api.call(`POST ${path}/materialize`, user, {}, impatient);
    expect([materialization.statusCode, materialization.headers['preference-applied']]).toEqual([200, 'wait=0']);
    await cancel(materialization.json<Answer>().operation_id);

    const deletion = await api.call(`DELETE ${path}`, user, undefined, impatient);
    expect([deletion.statusCode, deletion.headers['preference-applied']]).toEqual([202, 'wait=0']);
    expect(deletion.json()).toMatchObject({ operation_type: 'graph_deletion', status: 'pending', attempt: 0 });
  });
});
