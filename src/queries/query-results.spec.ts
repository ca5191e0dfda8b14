import { Readable } from 'node:stream';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { PEOPLE } from '../../test/support/people';
import { Transactor } from '../database/transactor';
import { ObjectStore } from '../storage/object-store';
import { QueryResultsRepository } from './query-results.repository';
import { QueryResultsSensor } from './query-results.sensor';

/** Without a worker: what a processor would do is done here, step by step. */
describe('stored results of queries', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graphId: string;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
    user = await api.user();
    const made = await api.call('POST /v1/graphs', user, { metadata: { graph_name: 'people' }, custom_schema: PEOPLE });
    graphId = made.json<{ graph_id: string }>().graph_id;
    await api.sql(`update graph set status = 'active' where id = $1`, [graphId]);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  const begin = async (): Promise<string> => {
    const answer = await api.call(`POST /v1/graphs/${graphId}/queries`, user, { query: 'RETURN 1 AS x' });
    expect(answer.statusCode).toBe(202);
    return answer.json<{ operation_id: string }>().operation_id;
  };
  const store = async (operationId: string): Promise<string> => {
    const objectKey = `query-results/${operationId}/1.ndjson`;
    await api.get(ObjectStore).put(objectKey, Readable.from([Buffer.from('{"x":1}\n{"x":2}\n')]));
    const result = {
      columns: [{ name: 'x', type: 'INT64' }],
      rowCount: 2,
      truncated: false,
      bytes: 16,
      objectKey,
      lineOffsets: [0],
    };
    await api.get(QueryResultsRepository).publish(api.get(Transactor).em, operationId, result, 24);
    await api.sql(`update operation set status = 'completed', ended_at = now() where id = $1`, [operationId]);
    return objectKey;
  };
  const result = (operationId: string, by = user) =>
    api.call(`GET /v1/graphs/${graphId}/queries/${operationId}/result`, by);
  const look = () => api.get(QueryResultsSensor).look();

  it('are not there before the query has ended', async () => {
    const answer = await result(await begin());
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ code: 'query_not_finished', status: 409, operation_status: 'pending' });
  });

  it('are read by those who may use the graph and by nobody else', async () => {
    const operationId = await begin();
    await store(operationId);
    expect((await result(operationId)).json()).toMatchObject({ data: [{ x: 1 }, { x: 2 }], total_rows: 2 });
    expect((await result(operationId, await api.user())).statusCode).toBe(404);
    expect((await result('op_00000000000000000000000000')).json()).toMatchObject({ code: 'query_result_not_found' });
  });

  it('are told as CSV, too', async () => {
    const operationId = await begin();
    await store(operationId);
    const answer = await api.call(`GET /v1/graphs/${graphId}/queries/${operationId}/download?format=csv`, user);
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(answer.body).toBe('x\r\n1\r\n2\r\n');
  });

  it('say that they are expired, and leave no bytes', async () => {
    const [expired, kept] = [await begin(), await begin()];
    const keys = [await store(expired), await store(kept)];
    await api.sql(`update query_result set expires_at = now() - interval '1 second' where operation_id = $1`, [
      expired,
    ]);
    for (const after of [async () => {}, look]) {
      await after();
      const answer = await result(expired);
      expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([404, 'query_result_expired']);
    }
    expect(await api.get(ObjectStore).head(keys[0])).toBeUndefined();
    expect(await api.get(ObjectStore).head(keys[1])).toMatchObject({ bytes: 16 });
    expect((await result(kept)).statusCode).toBe(200);
  });

  it('leave no bytes of attempts and operations that are gone, and keep those of a running one', async () => {
    const [gone, running, done] = [await begin(), await begin(), await begin()];
    const objects = api.get(ObjectStore);
    await store(gone);
    await store(done);
    for (const key of [`query-results/${running}/1.ndjson`, `query-results/${done}/2.ndjson`]) {
      await objects.put(key, Readable.from([Buffer.from('{}\n')]));
    }
    await api.sql('delete from query_result where operation_id = $1', [gone]);
    await look();
    const found = await Promise.all(
      [`${gone}/1`, `${running}/1`, `${done}/1`, `${done}/2`].map(async (name) =>
        Boolean(await objects.head(`query-results/${name}.ndjson`)),
      ),
    );
    expect(found).toEqual([false, true, true, false]);
  });
});
