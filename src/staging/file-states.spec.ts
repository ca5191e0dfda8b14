import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client as Postgres } from 'pg';
import type { Client, Started } from '../../test/support/client';
import { KNOWS, PEOPLE, PERSONS } from '../../test/support/people';
import type { Platform } from '../../test/support/platform';
import { PlatformWorld } from '../../test/support/platform-world';

interface File {
  file_id: string;
  upload_url: string;
  status: string;
  message: string;
  operation_id: string;
  ingest_operation_id: string | null;
  _links?: Started['_links'];
}

const COUNT = 'MATCH (p:Person) RETURN count(*) AS n';

jest.setTimeout(120_000);

/** Files that are taken out of their tables and put back, and those that go on into the graph by themselves. */
describe('file states', () => {
  let world: PlatformWorld;
  let postgres: Postgres;
  let platform: Platform;
  let client: Client;
  let graph: string;

  beforeAll(async () => {
    world = await PlatformWorld.start();
    ({ platform, client } = world);
    postgres = new Postgres({ connectionString: world.database.url });
    await postgres.connect();
  }, 90_000);
  afterAll(async () => {
    await postgres?.end();
    await world?.end();
  });
  beforeEach(async () => {
    graph = await client.createGraph(PEOPLE);
  });

  const files = (rest = '') => `/v1/graphs/${graph}/files${rest}`;
  const patch = (id: string, body: object) => client.expect<File>(200, 'PATCH', files(`/${id}`), body);
  const staged = async (table: string, content: string) =>
    (await (await client.stage(graph, table, `${table}.csv`, content)).json()) as File;
  const uploaded = async (content: string, fields: object = {}) => {
    const file = await client.expect<File>(200, 'POST', files(), {
      file_name: 'more.csv',
      table_name: 'Person',
      content_type: 'text/csv',
      ...fields,
    });
    await fetch(file.upload_url, { method: 'PUT', body: content });
    return file.file_id;
  };
  const staleness = () => client.expect(200, 'GET', `/v1/graphs/${graph}/materialize`);
  const refusal = (id: string, body: object) => client.refusal('PATCH', files(`/${id}`), body);
  const lock = (operation: string) =>
    postgres.query('insert into operation_lock (resource, operation_id) values ($1, $2)', [
      `graph:${graph}`,
      operation,
    ]);
  const unlock = () => postgres.query('delete from operation_lock where resource = $1', [`graph:${graph}`]);
  const objectsOf = (id: string) => readdirSync(join(platform.dataDir, 'objects', 'graphs', graph, 'files', id));
  const ended = (operation: string) =>
    client.result({
      operation_id: operation,
      graph_id: graph,
      _links: { stream: `/v1/operations/${operation}/stream`, status: '' },
    });

  describe('disabled and archived', () => {
    it('take a file out of its table and keep it; the graph is behind only if it has its rows', async () => {
      const { file_id: kept } = await staged('Person', 'id,name\n1,Ada\n');
      const { file_id: id } = await staged('Person', 'id,name\n2,Grace\n');
      await client.materialize(graph);
      const { file_id: unused } = await staged('Person', 'id,name\n3,Edsger\n');
      expect(await patch(unused, { status: 'disabled' })).toMatchObject({
        status: 'disabled',
        upload_status: 'disabled',
        graph_marked_stale: false,
      });
      // With it gone the graph holds what is staged again.
      expect(await staleness()).toMatchObject({ is_stale: false });

      expect(await patch(id, { status: 'disabled' })).toMatchObject({ status: 'disabled', graph_marked_stale: true });
      expect(await staleness()).toMatchObject({ stale_reason: 'file "Person.csv" of Person was disabled' });
      expect(await client.expect(200, 'GET', files('?status=staged'))).toMatchObject({ files: [{ file_id: kept }] });
      expect(await client.expect(200, 'GET', files(`/${id}/preview`))).toMatchObject({ rows: [[2, 'Grace']] });
      expect(await client.materialize(graph)).toMatchObject({ mode: 'rebuild', rows_loaded: 1 });
      expect(await client.query(graph, COUNT)).toEqual([{ n: 1 }]);

      expect(await patch(id, { status: 'uploaded' })).toMatchObject({ status: 'staged', row_count: 1 });
      expect(await staleness()).toMatchObject({ stale_reason: 'file "Person.csv" of Person was enabled' });
      expect(await client.materialize(graph)).toMatchObject({ mode: 'incremental', rows_loaded: 1 });
      expect(await client.query(graph, COUNT)).toEqual([{ n: 2 }]);
    });

    it('end as if nothing had been where the file comes back before the graph is built again', async () => {
      const { file_id: id } = await staged('Person', PERSONS);
      await client.materialize(graph);
      await patch(id, { status: 'disabled' });
      expect(await staleness()).toMatchObject({ is_stale: true });
      await patch(id, { status: 'uploaded' });
      expect(await staleness()).toMatchObject({ is_stale: false, stale_reason: null });
      expect(await client.materialize(graph)).toMatchObject({ skipped: true });
    });

    it('keep of an archived file its upload alone, from which it is read again', async () => {
      const { file_id: id } = await staged('Person', PERSONS);
      expect(objectsOf(id)).toHaveLength(2);
      expect(await patch(id, { status: 'archived' })).toMatchObject({ status: 'archived', row_count: null });
      expect(await patch(id, { status: 'archived' })).toMatchObject({ status: 'archived' });
      expect(objectsOf(id)).toEqual([expect.stringMatching(/^upload-/)]);
      expect((await client.request('GET', files(`/${id}/profile`))).status).toBe(409);
      expect(await patch(id, { status: 'uploaded' })).toMatchObject({ status: 'staged', row_count: 3 });
      await client.materialize(graph);
      expect(await client.query(graph, COUNT)).toEqual([{ n: 3 }]);
    });

    it('lose no rows that came without a file', async () => {
      const nodes = [{ label: 'Person', properties: { id: 1, name: 'Ada' } }];
      const started = await client.expect<Started>(202, 'POST', `/v1/graphs/${graph}/rows`, { nodes });
      await client.result(started);
      const listed = await client.expect<{ files: File[] }>(200, 'GET', files());
      const [{ file_id: id }] = listed.files;
      await patch(id, { status: 'archived' });
      expect(await patch(id, { status: 'uploaded' })).toMatchObject({ status: 'staged' });
      expect(await client.expect(200, 'GET', files(`/${id}/preview`))).toMatchObject({ rows: [[1, 'Ada']] });
    });

    it('wait for nobody: 409 while the graph is changed or the file is read', async () => {
      const { file_id: id, operation_id: operation } = await staged('Person', PERSONS);
      await lock(operation);
      for (const status of ['disabled', 'archived']) {
        expect(await refusal(id, { status })).toMatchObject({
          status: 409,
          code: 'graph_busy',
          operation_id: operation,
        });
      }
      await unlock();
      await postgres.query(`update staged_file set status = 'staging' where id = $1`, [id]);
      expect(await refusal(id, { status: 'archived' })).toMatchObject({ status: 409, operation_id: operation });
      await postgres.query(`update staged_file set status = 'staged' where id = $1`, [id]);
      expect(await client.expect(200, 'GET', files(`/${id}`))).toMatchObject({ status: 'staged' });
    });
  });

  describe('ingest_to_graph', () => {
    it('loads the file as soon as it is staged, and answers with the operation', async () => {
      const id = await uploaded(PERSONS);
      const answer = await patch(id, { status: 'uploaded', ingest_to_graph: true });
      expect(answer).toMatchObject({ status: 'staged', row_count: 3 });
      const operation = answer.ingest_operation_id!;
      expect(answer.message).toContain(operation);
      expect(answer._links?.stream).toBe(`/v1/operations/${operation}/stream`);
      expect(await ended(operation)).toMatchObject({ mode: 'incremental', rows_loaded: 3 });
      expect(await client.query(graph, COUNT)).toEqual([{ n: 3 }]);
      const again = await patch(id, { status: 'uploaded', ingest_to_graph: true });
      expect(again.message).toBe('3 rows are staged in Person and in the graph');
      expect(await staleness()).toMatchObject({ is_stale: false, materialization_count: 1 });
    });

    it('may be said when the file is announced', async () => {
      const id = await uploaded(PERSONS, { ingest_to_graph: true });
      const { ingest_operation_id: operation } = await patch(id, { status: 'uploaded' });
      expect(await ended(operation!)).toMatchObject({ rows_loaded: 3 });
    });

    it('waits until the graph may be changed, and then takes all that wait at once', async () => {
      const { operation_id: operation } = await staged('Person', PERSONS);
      await lock(operation);
      const [a, b] = [await uploaded('id,name\n4,Barbara\n'), await uploaded(KNOWS, { table_name: 'KNOWS' })];
      for (const id of [a, b]) {
        const answer = await patch(id, { status: 'uploaded', ingest_to_graph: true });
        expect(answer).toMatchObject({ status: 'staged', ingest_operation_id: null });
        expect(answer.message).toContain('as soon as');
      }
      await unlock();
      const loading = await until(async () => {
        const file = await client.expect<File>(200, 'GET', files(`/${a}`));
        return file.ingest_operation_id;
      });
      expect(await ended(loading)).toMatchObject({ rows_loaded: 6 });
      expect(await client.expect(200, 'GET', files(`/${b}`))).toMatchObject({ ingest_operation_id: loading });
    });

    it('is asked for once, by however many at once', async () => {
      const id = await uploaded(PERSONS);
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => patch(id, { status: 'uploaded', ingest_to_graph: true })),
      );
      const operations = new Set(answers.map(({ ingest_operation_id }) => ingest_operation_id).filter((one) => one));
      expect(operations.size).toBe(1);
      await ended([...operations][0]!);
      expect(await client.query(graph, COUNT)).toEqual([{ n: 3 }]);
      expect(await staleness()).toMatchObject({ materialization_count: 1 });
    });

    it('of a file that cannot be read loads nothing', async () => {
      const id = await uploaded('id,name\n1\n');
      expect(await refusal(id, { status: 'uploaded', ingest_to_graph: true })).toMatchObject({
        code: 'file_malformed',
      });
      expect(await client.expect(200, 'GET', files(`/${id}`))).toMatchObject({ ingest_operation_id: null });
      expect(await staleness()).toMatchObject({ is_stale: false });
    });
  });
});

/** What `look` finds, once it finds something. */
async function until<T>(look: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error('Waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
