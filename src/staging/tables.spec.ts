import { Client as Postgres } from 'pg';
import type { Client } from '../../test/support/client';
import { KNOWS, PEOPLE, PERSONS } from '../../test/support/people';
import { PlatformWorld } from '../../test/support/platform-world';

interface Table {
  table_name: string;
  [member: string]: unknown;
}
interface Profile {
  row_count: number;
  columns: { name: string; [member: string]: unknown }[];
}
interface Preview {
  columns: string[];
  rows: unknown[][];
  [member: string]: unknown;
}

jest.setTimeout(120_000);

/** Staging tables over HTTP: declared, described, looked at and dropped. */
describe('staging tables', () => {
  let world: PlatformWorld;
  let postgres: Postgres;
  let client: Client;
  let graph: string;

  beforeAll(async () => {
    world = await PlatformWorld.start();
    ({ client } = world);
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

  const at = (rest: string) => `/v1/graphs/${graph}${rest}`;
  const table = (name: string) => client.expect<Table>(200, 'GET', at(`/tables/${name}`));
  const staged = async (name: string, content: string, type?: string) =>
    (await (await client.stage(graph, name, `${name}.data`, content, type)).json()) as { file_id: string };
  const refusal = async (method: string, path: string, body?: object) => {
    const response = await client.request(method, at(path), body);
    return { status: response.status, ...((await response.json()) as object) };
  };
  /** As if an operation held the graph, while `work` runs. */
  const whileBusy = async (operation: string, work: () => Promise<void>) => {
    const resource = `graph:${graph}`;
    await postgres.query('insert into operation_lock (resource, operation_id) values ($1, $2)', [resource, operation]);
    await work();
    await postgres.query('delete from operation_lock where resource = $1', [resource]);
  };

  describe('that are declared', () => {
    const OPTIONS = {
      csv: { delimiter: ';', null_values: ['-'], date_formats: ['%d.%m.%Y'] },
      column_mapping: { No: 'id', Called: 'name', Born: 'born', Remark: null },
    };

    it('say how files are read that say nothing else, before there is any', async () => {
      const declared = await client.expect<Table>(200, 'PUT', at('/tables/Person'), OPTIONS);
      expect(declared).toMatchObject({
        table_name: 'Person',
        kind: 'node',
        row_count: 0,
        is_stale: false,
        csv: OPTIONS.csv,
        column_mapping: { no: 'id', called: 'name', born: 'born', remark: null },
      });
      expect(declared.declared_at).not.toBeNull();
      expect(await client.expect(200, 'PUT', at('/tables/Person'), OPTIONS)).toEqual(declared);
      await staged('Person', 'No;Called;Born;Remark\n1;Ada;10.12.1815;x\n2;Grace;-;y\n');
      expect(await client.materialize(graph)).toMatchObject({ rows_loaded: 2, rows_rejected: 0 });
      expect(
        await client.query(graph, 'MATCH (p:Person) RETURN p.id AS id, p.name AS n, p.born AS b ORDER BY id'),
      ).toEqual([
        { id: 1, n: 'Ada', b: '1815-12-10' },
        { id: 2, n: 'Grace', b: null },
      ]);
    });

    it('give way to what a file says, option by option and column by column', async () => {
      await client.expect(200, 'PUT', at('/tables/Person'), OPTIONS);
      const file = await client.expect<{ file_id: string; upload_url: string }>(200, 'POST', at('/files'), {
        file_name: 'other.csv',
        table_name: 'Person',
        content_type: 'text/csv',
        csv: { delimiter: ',' },
        column_mapping: { Nr: 'id', Remark: 'name' },
      });
      expect(await client.expect(200, 'GET', at(`/files/${file.file_id}`))).toMatchObject({
        csv: { ...OPTIONS.csv, delimiter: ',' },
        column_mapping: { nr: 'id', born: 'born', remark: 'name' },
      });
      await fetch(file.upload_url, { method: 'PUT', body: 'Nr,Remark,Born\n7,Linus,28.12.1969\n' });
      await client.expect(200, 'PATCH', at(`/files/${file.file_id}`), { status: 'uploaded' });
      const { rows } = await client.expect<Preview>(200, 'GET', at(`/files/${file.file_id}/preview`));
      expect(rows).toEqual([[7, 'Linus', '1969-12-28']]);
    });

    it('count for files that are announced already, until they are read', async () => {
      const announce = (more: object = {}) =>
        client.expect<{ file_id: string; upload_url: string }>(200, 'POST', at('/files'), {
          file_name: 'p.csv',
          table_name: 'Person',
          content_type: 'text/csv',
          ...more,
        });
      const read = (id: string) => client.request('PATCH', at(`/files/${id}`), { status: 'uploaded' });
      const optionsOf = async (id: string) =>
        client.expect<{ csv: object; column_mapping: object }>(200, 'GET', at(`/files/${id}`));
      const [plain, own, failed] = [
        await announce(),
        await announce({ column_mapping: { Remark: 'name' } }),
        await announce(),
      ];
      const before = await staged('Person', 'id,name\n9,Barbara\n');
      await fetch(failed.upload_url, { method: 'PUT', body: Buffer.from('id,name\n8,\xc9mile\n', 'latin1') });
      expect((await read(failed.file_id)).status).toBe(400);
      await client.expect(200, 'PUT', at('/tables/Person'), {
        ...OPTIONS,
        csv: { ...OPTIONS.csv, encoding: 'latin1' },
      });
      expect(await optionsOf(own.file_id)).toMatchObject({
        column_mapping: { no: 'id', born: 'born', remark: 'name' },
      });
      expect(await optionsOf(before.file_id)).not.toHaveProperty('column_mapping.no');
      for (const { file_id, upload_url } of [plain, own]) {
        await fetch(upload_url, { method: 'PUT', body: 'No;Called;Born;Remark\n7;Linus;28.12.1969;x\n' });
        expect((await read(file_id)).status).toBe(200);
      }
      const rows = async (id: string) => (await client.expect<Preview>(200, 'GET', at(`/files/${id}/preview`))).rows;
      expect([await rows(plain.file_id), await rows(own.file_id)]).toEqual([
        [[7, 'Linus', '1969-12-28', 'x']],
        [[7, 'Linus', '1969-12-28', 'x']],
      ]);
      await client.expect(200, 'PUT', at('/tables/Person'), { csv: { encoding: 'latin1' } });
      expect((await read(failed.file_id)).status).toBe(200);
      expect(await rows(failed.file_id)).toEqual([[8, 'Émile']]);
    });

    it('are refused with every problem, and for types that the schema does not have', async () => {
      const wrong = { csv: { encoding: 'klingon' }, column_mapping: { a: 5 } };
      expect(await refusal('PUT', '/tables/Person', wrong)).toMatchObject({
        status: 422,
        detail: expect.arrayContaining([
          expect.objectContaining({ loc: ['body', 'csv', 'encoding'] }),
          expect.objectContaining({ loc: ['body', 'column_mapping'] }),
        ]) as unknown,
      });
      const mapping = { column_mapping: { who: 'nobody', a: 'id', b: 'ID' } };
      expect(await refusal('PUT', '/tables/Person', mapping)).toMatchObject({
        status: 422,
        detail: [{ loc: ['body', 'column_mapping', 'who'] }, { loc: ['body', 'column_mapping', 'b'] }],
      });
      expect(await refusal('PUT', '/tables/Pirate', {})).toMatchObject({ status: 404, code: 'table_not_found' });
      expect(await refusal('GET', '/tables/Pirate')).toMatchObject({ status: 404, code: 'table_not_found' });
      expect(await refusal('DELETE', '/tables/Pirate')).toMatchObject({ status: 404, code: 'table_not_found' });
      expect((await table('Person')).declared_at).toBeNull();
    });
  });

  describe('that are looked at', () => {
    it('show their first rows, page by page, exactly and in the order of files and rows', async () => {
      expect(await client.expect(200, 'GET', at('/tables/Person/preview'))).toMatchObject({
        columns: ['id', 'name', 'born'],
        rows: [],
        truncated: false,
      });
      const { file_id: first } = await staged('Person', PERSONS);
      await staged('Person', 'id,name\n9007199254740993,Big\n');
      expect(await client.expect(200, 'GET', at('/tables/Person/preview?limit=2&offset=2'))).toMatchObject({
        columns: ['id', 'name', 'born'],
        rows: [
          [3, 'Edsger', expect.anything()],
          ['9007199254740993', 'Big', null],
        ],
        truncated: false,
      });
      expect(await client.expect(200, 'GET', at(`/files/${first}/preview?limit=1`))).toMatchObject({
        column_types: ['BIGINT', 'VARCHAR', 'DATE'],
        rows: [[1, 'Ada', '1815-12-10']],
        truncated: true,
        next_offset: 1,
      });
      expect(await refusal('GET', '/tables/Person/preview?limit=1001')).toMatchObject({ status: 422 });
    });

    it('tell of each column what it holds', async () => {
      const { file_id: id } = await staged(
        'Person',
        'id,name,born,extra\n1,Ada,1815-12-10,x\n2,Grace,,x\nx,Grace,1906-12-09,\n',
      );
      const profile = await client.expect<Profile>(200, 'GET', at(`/files/${id}/profile`));
      expect(profile).toMatchObject({
        row_count: 3,
        columns: [
          // One bad value keeps the column text; the profile shows which type it should have.
          { name: 'id', type: 'VARCHAR', property_type: 'INT64', nulls: 0, distinct: 3, min: '1', max: 'x' },
          {
            name: 'name',
            type: 'VARCHAR',
            nulls: 0,
            distinct: 2,
            min: 'Ada',
            max: 'Grace',
            examples: ['Ada', 'Grace'],
          },
          { name: 'born', type: 'DATE', nulls: 1, distinct: 2, min: '1815-12-10', max: '1906-12-09' },
          { name: 'extra', property_type: null, nulls: 1, distinct: 1, examples: ['x'] },
        ],
      });
      await staged('Person', 'id\n4\n');
      expect(await client.expect<Profile>(200, 'GET', at('/tables/Person/profile'))).toMatchObject({ row_count: 4 });
      expect(await client.expect<Profile>(200, 'GET', at('/tables/KNOWS/profile'))).toMatchObject({
        row_count: 0,
        columns: [
          { name: 'from', nulls: 0, distinct: 0, min: null, examples: [] },
          { name: 'to' },
          { name: 'since', property_type: 'INT32' },
        ],
      });
    });

    it('say why there is nothing to look at', async () => {
      const { file_id: id } = await client.expect<{ file_id: string }>(200, 'POST', at('/files'), {
        file_name: 'a.csv',
        table_name: 'Person',
        content_type: 'text/csv',
      });
      for (const what of ['preview', 'profile']) {
        expect(await refusal('GET', `/files/${id}/${what}`)).toMatchObject({ status: 409, code: 'file_not_staged' });
        expect(await refusal('GET', `/tables/Pirate/${what}`)).toMatchObject({ status: 404, code: 'table_not_found' });
        const elsewhere = `/v1/graphs/${await client.createGraph(PEOPLE)}/files/${id}/${what}`;
        expect((await client.request('GET', elsewhere)).status).toBe(404);
      }
    });
  });

  describe('that are dropped', () => {
    it('lose their files and what was said of them; the graph says that it is behind', async () => {
      await client.expect(200, 'PUT', at('/tables/KNOWS'), { column_mapping: { a: 'from' } });
      const { file_id: person } = await staged('Person', PERSONS);
      await staged('KNOWS', KNOWS);
      expect(await table('KNOWS')).toMatchObject({ is_stale: true, rows_in_graph: 0, files_by_status: { staged: 1 } });
      await client.materialize(graph);
      expect(await table('KNOWS')).toMatchObject({ is_stale: false, rows_in_graph: 2 });
      expect(await client.expect(200, 'DELETE', at('/tables/KNOWS'))).toMatchObject({
        status: 'dropped',
        files_removed: 1,
        rows_removed: 2,
        graph_marked_stale: true,
      });
      const after = { file_count: 0, declared_at: null, column_mapping: null, is_stale: true, rows_in_graph: 2 };
      expect(await table('KNOWS')).toMatchObject(after);
      expect(await table('Person')).toMatchObject({ is_stale: false });
      expect(await client.expect(200, 'GET', at('/materialize'))).toMatchObject({
        is_stale: true,
        stale_reason: 'table KNOWS was dropped with its files',
      });
      const { files } = await client.expect<{ files: object[] }>(200, 'GET', at('/files'));
      expect(files).toMatchObject([{ file_id: person }]);
      expect(await client.materialize(graph)).toMatchObject({ mode: 'rebuild' });
      expect(await table('KNOWS')).toMatchObject({ is_stale: false, rows_in_graph: 0 });
    });

    it('are not while an operation holds the graph or reads one of their files', async () => {
      const { file_id: id, operation_id: operation } = (await staged('Person', PERSONS)) as {
        file_id: string;
        operation_id?: string;
      };
      await whileBusy(operation!, async () => {
        expect(await refusal('DELETE', '/tables/Person')).toMatchObject({
          status: 409,
          code: 'graph_busy',
          operation_id: operation,
        });
      });
      await postgres.query(`update staged_file set status = 'staging' where id = $1`, [id]);
      expect(await refusal('DELETE', '/tables/Person')).toMatchObject({ status: 409, operation_id: operation });
      await postgres.query(`update staged_file set status = 'staged' where id = $1`, [id]);
      expect(await table('Person')).toMatchObject({ file_count: 1 });
    });

    it('are dropped once, by however many at once', async () => {
      for (const content of ['id\n1\n', 'id\n2\n', 'id\n3\n']) await staged('Person', content);
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => client.expect<{ files_removed: number }>(200, 'DELETE', at('/tables/Person'))),
      );
      expect(answers.map(({ files_removed }) => files_removed).sort()).toEqual([0, 0, 0, 3]);
      // The graph never had them, so it is not behind.
      expect(await client.expect(200, 'GET', at('/materialize'))).toMatchObject({ is_stale: false });
    });
  });
});
