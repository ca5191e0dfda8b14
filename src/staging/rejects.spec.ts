import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DuckDBInstance } from '@duckdb/node-api';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { PEOPLE } from '../../test/support/people';
import { Transactor } from '../database/transactor';
import { GraphDeletion } from '../graphs/graph-deletion';
import { OperationContext } from '../jobs/operation-context';
import { OperationsRepository } from '../operations/operations.repository';
import { ObjectStore } from '../storage/object-store';
import type { PreparedTable } from './duckdb/messages';
import { RejectsService } from './rejects.service';
import { StagedPartsSensor } from './staged-parts.sensor';

/** Without a worker: what a processor would do is done here, attempt by attempt. */
describe('kept rejects', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graphId: string;
  let folder: string;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
    user = await api.user();
    folder = await mkdtemp(join(tmpdir(), 'rejects-'));
    graphId = await newGraph();
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const newGraph = async (): Promise<string> => {
    const made = await api.call('POST /v1/graphs', user, { metadata: { graph_name: 'people' }, custom_schema: PEOPLE });
    const { graph_id: id } = made.json<{ graph_id: string }>();
    await api.sql(`delete from operation_lock where resource = $1`, [`graph:${id}`]);
    await api.sql(`update graph set status = 'active' where id = $1`, [id]);
    return id;
  };
  /** An operation whose only running attempt has this number. */
  const running = async (attempt: number, graph = graphId): Promise<string> => {
    await api.sql(`delete from operation_lock where resource = $1`, [`graph:${graph}`]);
    const answer = await api.call(`POST /v1/graphs/${graph}/materialize`, user, {});
    const { operation_id: id } = answer.json<{ operation_id: string }>();
    await api.sql(`update operation set status = 'running', attempt = $2 where id = $1`, [id, attempt]);
    return id;
  };
  const contextOf = async (id: string, attempt: number): Promise<OperationContext> => {
    const repository = api.get(OperationsRepository);
    const operation = { ...(await repository.find(id))!, attempt };
    const { signal } = new AbortController();
    return new OperationContext(operation, 'test', signal, undefined as never, api.get(Transactor), repository, 10_000);
  };
  let files = 0;
  /** A table of which a file's rows are bad. */
  const table = async (name: string, rows: number, data: string): Promise<PreparedTable> => {
    const rejectsFile = join(folder, `${(files += 1)}.parquet`);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(
      `copy (select '${name}' as table_name, 'f1' as file_id, 'a.csv' as file_name, i + 1 as "row", 'type_mismatch' as reason,
         'no number, "' || i || '"' as detail, '${data}' as data from range(${rows}) as r(i)) to '${rejectsFile}'`,
    );
    connection.closeSync();
    return { table: name, rejectsFile } as PreparedTable;
  };
  const keep = async (id: string, attempt: number, tables: PreparedTable[], graph = graphId): Promise<void> =>
    api.get(RejectsService).keep(await contextOf(id, attempt), graph, tables);
  const end = (id: string) =>
    api.sql(`update operation set status = 'completed', ended_at = now() where id = $1`, [id]);
  const ask = (id: string, rest = '', by = user, graph = graphId) =>
    api.call(`GET /v1/graphs/${graph}/materializations/${id}/rejects${rest}`, by);
  const rowsOf = async (id: string, rest = '') => (await ask(id, rest)).json<{ rejects: object[] }>().rejects;
  const objectsOf = async (id: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of api.get(ObjectStore).list('graphs/')) if (key.includes(id)) keys.push(key);
    return keys;
  };
  const look = () => api.get(StagedPartsSensor).look();

  it('are downloaded whole as NDJSON and CSV, filtered as the list is, under a name of their own', async () => {
    const id = await running(1);
    await keep(id, 1, [await table('Person', 60_000, '{"id":"9007199254740993"}'), await table('KNOWS', 2, '{}')]);
    const ndjson = await ask(id, '/download');
    expect(ndjson.headers['content-type']).toBe('application/x-ndjson');
    expect(ndjson.headers['content-disposition']).toBe(`attachment; filename="rejects-${id}.ndjson"`);
    const lines = ndjson.body.trimEnd().split('\n');
    expect(lines).toHaveLength(60_002);
    const rows = lines.map((line) => JSON.parse(line) as { row: number });
    expect(rows[59_999]).toEqual({
      table_name: 'Person',
      file_id: 'f1',
      file_name: 'a.csv',
      row: 60_000,
      reason: 'type_mismatch',
      detail: 'no number, "59999"',
      data: '{"id":"9007199254740993"}',
    });
    expect(rows.slice(0, 60_000).every(({ row }, at) => row === at + 1)).toBe(true);
    const csv = await ask(id, '/download?format=csv&table_name=KNOWS');
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.headers['content-disposition']).toBe(`attachment; filename="rejects-${id}.csv"`);
    expect(csv.body).toBe(
      'table_name,file_id,file_name,row,reason,detail,data\n' +
        'KNOWS,f1,a.csv,1,type_mismatch,"no number, ""0""",{}\n' +
        'KNOWS,f1,a.csv,2,type_mismatch,"no number, ""1""",{}\n',
    );
    expect((await ask(id, `/download?reason=${encodeURIComponent("' or true --")}`)).body).toBe('');
    expect((await ask(id, '/download?format=xml')).statusCode).toBe(422);
    expect(await rowsOf(id, '?limit=1&table_name=Person&file_id=f1&offset=5')).toMatchObject([{ row: 6 }]);
  }, 60_000);

  it('are a table beside the staging tables, of the last materialization that rejected any or of a named one', async () => {
    const graph = await newGraph();
    const sql = (statement: string, more: object = {}) =>
      api.call(`POST /v1/graphs/${graph}/tables/query`, user, { sql: statement, ...more });
    const rows = async (statement: string, more: object = {}) =>
      (await sql(statement, more)).json<{ rows: unknown[][] }>().rows;
    const count = 'select count(*), count(distinct table_name) from rejects';
    expect(await rows(count)).toEqual([[0, 0]]);
    const first = await running(1, graph);
    await keep(first, 1, [await table('Person', 3, '{"id":"x1"}'), await table('KNOWS', 2, '{}')], graph);
    await end(first);
    const second = await running(1, graph);
    await keep(second, 1, [await table('Person', 1, '{"id":"x2"}')], graph);
    await end(second);
    const third = await running(1, graph);
    await keep(third, 1, [{ table: 'Person', rejectsFile: null } as PreparedTable], graph);
    expect(await rows(count)).toEqual([[1, 1]]);
    expect(await rows(count, { rejects_of: first })).toEqual([[5, 2]]);
    const joined = `select r.data ->> 'id', r."row", r.detail, p.id from Rejects r left join Person p on p.id = r."row" where r.reason = $1`;
    expect(await rows(joined, { parameters: ['type_mismatch'] })).toEqual([['x2', 1, 'no number, "0"', null]]);
    for (const [rejects_of, asked] of [
      ['op_1', graph],
      [first, await newGraph()],
    ]) {
      const answer = await api.call(`POST /v1/graphs/${asked}/tables/query`, user, { sql: count, rejects_of });
      expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([404, 'operation_not_found']);
    }
    // Who does not ask for them does not meet them.
    expect((await sql('select * from Person', { rejects_of: 'op_1' })).statusCode).toBe(200);
    await api.sql('update kept_rejects set removed_at = now() where operation_id = $1', [second]);
    expect(await rows(count)).toEqual([[5, 2]]);
    expect((await sql(count, { rejects_of: second })).json()).toMatchObject({ status: 404, code: 'rejects_removed' });
  }, 60_000);

  it('are not found under another operation, graph or organisation; an operation without any has none', async () => {
    const id = await running(1);
    expect(await rowsOf(id)).toEqual([]);
    expect((await ask(id, '/download')).body).toBe('');
    expect((await ask(id, '/download?format=csv')).body).toBe('table_name,file_id,file_name,row,reason,detail,data\n');
    const other = await newGraph();
    for (const rest of ['', '/download']) {
      for (const unknown of ['op_1', 'op_00000000000000000000000000']) {
        const answer = await ask(unknown, rest);
        expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([404, 'operation_not_found']);
      }
      expect((await ask(id, rest, user, other)).statusCode).toBe(404);
      expect((await ask(id, rest, await api.user())).statusCode).toBe(404);
    }
  }, 60_000);

  it('are those of the last attempt: one that lost its lease changes nothing, whenever it comes', async () => {
    const id = await running(1);
    await keep(id, 1, [await table('Person', 3, '{}'), await table('KNOWS', 3, '{}')]);
    await api.sql('update operation set attempt = 2 where id = $1', [id]);
    await keep(id, 2, [await table('Person', 1, '{}')]);
    await expect(keep(id, 1, [await table('Person', 5, '{}')])).rejects.toThrow('is not the current one any more');
    expect(await rowsOf(id)).toHaveLength(1);
    await end(id);
    await look();
    expect(await objectsOf(id)).toEqual([`graphs/${graphId}/rejects/${id}/2/Person.parquet`]);
    expect(await rowsOf(id)).toHaveLength(1);
  }, 60_000);

  it('are none once a later attempt finds every row right', async () => {
    const id = await running(1);
    await keep(id, 1, [await table('Person', 3, '{}')]);
    await api.sql('update operation set attempt = 2 where id = $1', [id]);
    await keep(id, 2, [{ table: 'Person', rejectsFile: null } as PreparedTable]);
    expect(await rowsOf(id)).toEqual([]);
    await end(id);
    await look();
    expect(await objectsOf(id)).toEqual([]);
  }, 60_000);

  it('are removed after their time, and the answer says so', async () => {
    const [old, young] = [await running(1), await running(1)];
    for (const id of [old, young]) {
      await keep(id, 1, [await table('Person', 3, '{}')]);
      await end(id);
    }
    await api.sql(`update kept_rejects set kept_at = now() - interval '31 days' where operation_id = $1`, [old]);
    await look();
    expect(await objectsOf(old)).toEqual([]);
    for (const rest of ['', '/download']) {
      const answer = await ask(old, rest);
      expect(answer.statusCode).toBe(404);
      expect(answer.json()).toMatchObject({ code: 'rejects_removed', removed_at: expect.any(String) as string });
    }
    expect(await rowsOf(young)).toHaveLength(3);
  }, 60_000);

  it('go with the history of their operation, and with their graph', async () => {
    const pruned = await running(1);
    await keep(pruned, 1, [await table('Person', 3, '{}')]);
    await api.sql('delete from operation_lock where operation_id = $1', [pruned]);
    await api.sql('delete from operation where id = $1', [pruned]);
    await look();
    expect(await objectsOf(pruned)).toEqual([]);
    const id = await running(1);
    await keep(id, 1, [await table('Person', 3, '{}')]);
    await api.get(GraphDeletion).cleanUp(graphId);
    expect(await objectsOf(id)).toEqual([]);
    expect(await api.sql('select 1 from kept_rejects where graph_id = $1', [graphId])).toEqual([]);
  }, 60_000);
});
