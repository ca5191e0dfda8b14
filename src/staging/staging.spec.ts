import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Client as Postgres } from 'pg';
import type { Client, Started } from '../../test/support/client';
import { KNOWS, PEOPLE, PERSONS } from '../../test/support/people';
import type { Platform } from '../../test/support/platform';
import { PlatformWorld } from '../../test/support/platform-world';

const MAX_MB = 32;
const MISSING = '00000000-0000-4000-8000-000000000000';

interface Problem {
  code: string;
  detail: string;
  [member: string]: unknown;
}
interface File {
  file_id: string;
  upload_url: string;
}

/** Files and staging tables on a running platform, over HTTP as users do. */
describe('staging', () => {
  let world: PlatformWorld;
  let postgres: Postgres;
  let platform: Platform;
  let client: Client;
  let graph: string;

  beforeAll(async () => {
    world = await PlatformWorld.start({ TIER_LIMITS: JSON.stringify({ '*': { max_file_mb: MAX_MB } }) });
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
  const announce = (fields: object = {}) =>
    client.expect<File>(200, 'POST', files(), {
      file_name: 'persons.csv',
      table_name: 'Person',
      content_type: 'text/csv',
      ...fields,
    });
  const put = (url: string, body: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}) =>
    fetch(url, { method: 'PUT', body, headers, duplex: 'half' });
  const problem = async (response: Response): Promise<Problem & { status: number }> => ({
    ...((await response.json()) as Problem),
    status: response.status,
  });
  const staged = async (table: string, content: string | Buffer, type?: string) =>
    (await (await client.stage(graph, table, `${table}.data`, content, type)).json()) as File & Record<string, unknown>;
  const stored = () =>
    readdirSync(join(platform.dataDir, 'objects'), { recursive: true, withFileTypes: true })
      .filter(
        (entry) => entry.isFile() && (entry.parentPath.includes(graph) || entry.parentPath.includes('.unfinished')),
      )
      .map((entry) => entry.name);
  const tables = async () => {
    const answer = await client.expect<{ tables: Record<string, unknown>[] }>(200, 'GET', `/v1/graphs/${graph}/tables`);
    return answer.tables;
  };

  it('stages a CSV, lists it with its table, and says that the graph is behind', async () => {
    expect(await tables()).toMatchObject([
      { table_name: 'Person', kind: 'node', row_count: 0, file_count: 0 },
      { table_name: 'KNOWS', kind: 'relationship', row_count: 0, file_count: 0 },
    ]);
    const { file_id: id, upload_url: url } = await announce();
    expect(url.startsWith(platform.url)).toBe(true);
    // Whatever the content is called, it is not parsed on its way.
    expect((await put(url, PERSONS, { 'content-type': 'application/json' })).status).toBe(200);
    const answer = await client.expect(200, 'PATCH', files(`/${id}`), { status: 'uploaded' });
    expect(answer).toMatchObject({
      status: 'staged',
      row_count: 3,
      table_name: 'Person',
      columns: [
        { name: 'id', type: 'BIGINT' },
        { name: 'name', type: 'VARCHAR' },
        { name: 'born', type: 'DATE' },
      ],
      layers: { s3: { status: 'uploaded' }, duckdb: { status: 'staged', row_count: 3 }, graph: { status: 'pending' } },
    });
    expect(await client.expect(200, 'PATCH', files(`/${id}`), { status: 'uploaded' })).toEqual(answer);
    expect(await client.expect(200, 'GET', files(`/${id}`))).toMatchObject({ row_count: 3, upload_status: 'uploaded' });
    expect(await client.expect(200, 'GET', files('?table_name=Person&status=staged'))).toMatchObject({
      total_files: 1,
      total_size_bytes: PERSONS.length,
      files: [{ file_id: id }],
    });
    expect(await client.expect(200, 'GET', files('?table_name=KNOWS'))).toMatchObject({ total_files: 0, files: [] });
    expect((await tables())[0]).toMatchObject({ row_count: 3, file_count: 1, total_size_bytes: PERSONS.length });
    expect(await client.expect(200, 'GET', `/v1/graphs/${graph}/materialize`)).toMatchObject({
      is_stale: true,
      stale_reason: 'file "persons.csv" was staged into Person',
    });
    expect(await problem(await put(url, PERSONS))).toMatchObject({ status: 409, code: 'file_already_staged' });
  });

  it('tells where a CSV is malformed, changes nothing else, and takes a mended one', async () => {
    const { file_id: id, upload_url: url } = await announce();
    await put(url, 'id,name\n1,Ada\n2\n');
    const refused = await problem(await client.request('PATCH', files(`/${id}`), { status: 'uploaded' }));
    expect(refused).toMatchObject({ status: 400, code: 'file_malformed' });
    expect(refused.detail).toMatch(/line 3, column "name"/);
    expect(await client.expect(200, 'GET', files(`/${id}`))).toMatchObject({
      status: 'failed',
      error: { code: 'file_malformed', message: refused.detail },
    });
    expect((await tables())[0]).toMatchObject({ row_count: 0, file_count: 0 });
    expect(await client.expect(200, 'GET', `/v1/graphs/${graph}/materialize`)).toMatchObject({ is_stale: false });
    await put(url, 'id,name\n1,Ada\n2,Grace\n');
    const mended = await client.expect(200, 'PATCH', files(`/${id}`), { status: 'uploaded' });
    expect(mended).toMatchObject({ status: 'staged', row_count: 2, error: null });
  });

  it('believes the content, not its name', async () => {
    const parquet = readFileSync(join(__dirname, '../../node_modules/vega-datasets/data/flights-3m.parquet'));
    const type = 'application/x-parquet';
    expect(await staged('Person', parquet, type)).toMatchObject({ status: 'staged', row_count: 3_000_000 });
    for (const [content, as, words] of [
      [parquet, 'text/csv', 'is a Parquet file, not CSV'],
      [PERSONS, type, 'not Parquet'],
      [parquet.subarray(0, 100_000), type, 'cut off'],
      ['', 'text/csv', 'The file is empty'],
    ] as const) {
      const answer = await problem(await client.stage(graph, 'Person', 'x', content, as));
      expect(answer).toMatchObject({ status: 400, code: 'file_malformed' });
      expect(answer.detail).toContain(words);
    }
  });

  it('reads columns, dates and nulls as their sender says, into nodes and relationships', async () => {
    const send = async (fields: object, content: string) => {
      const { file_id: id, upload_url: url } = await announce(fields);
      await put(url, content);
      return client.expect(200, 'PATCH', files(`/${id}`), { status: 'uploaded' });
    };
    const csv = { date_formats: ['%d.%m.%Y'], null_values: ['-', ''] };
    const mapping = { No: 'id', 'Full name': 'name', Birth: 'born', Remark: null };
    const people = 'No;Full name;Birth;Remark\n1;Ada;10.12.1815;x\n2;Grace;-;y\n3;Nobody;32.13.1900;z\n';
    expect(await send({ csv, column_mapping: mapping }, people)).toMatchObject({
      status: 'staged',
      content: { format: 'csv', compression: 'none', csv: { delimiter: ';' } },
      column_mapping: { no: 'id', 'full name': 'name', birth: 'born', remark: null },
    });
    const knows = { file_name: 'knows.ndjson', table_name: 'KNOWS', content_type: 'application/x-ndjson' };
    await send(
      { ...knows, column_mapping: { a: 'from', b: 'to' } },
      '{"a": 1, "b": 2, "since": 1950}\n{"a": 2, "b": 3}\n',
    );
    expect(await client.materialize(graph)).toMatchObject({
      rows_loaded: 3,
      rows_rejected: 2,
      rejected_samples: [
        { table: 'Person', row: 3, reason: 'type_mismatch: born is not DATE: 32.13.1900' },
        { table: 'KNOWS', row: 2, reason: 'to_not_found: no Person has the key 3' },
      ],
    });
    const found =
      'MATCH (a:Person)-[k:KNOWS]->(b:Person) RETURN a.name AS a, CAST(a.born AS STRING) AS born, b.name AS b';
    expect(await client.query(graph, found)).toEqual([{ a: 'Ada', born: '1815-12-10', b: 'Grace' }]);
  });

  it('keeps the rows that a materialization refused, also where it published nothing', async () => {
    await staged('Person', 'id,name\n1,Ada\nx,Bad\n1,Twice\n');
    await staged('KNOWS', 'from,to\n1,1\n1,7\n');
    const path = `/v1/graphs/${graph}/materialize`;
    const { operation_id: operation, _links } = await client.expect<Started>(200, 'POST', path, {
      ignore_errors: false,
    });
    const failed = client.result({ operation_id: operation, graph_id: graph, _links });
    const rejects = `/v1/graphs/${graph}/materializations/${operation}/rejects`;
    // The link is in the last event of the stream, whether it failed or not.
    await expect(failed).rejects.toThrow(new RegExp(`rows_rejected.*"_links":{"rejects":"${rejects}"`));
    const all = await client.expect<{ rejects: unknown[] }>(200, 'GET', rejects);
    expect(all).toMatchObject({ graph_id: graph, next_offset: null });
    expect(all.rejects).toHaveLength(3);
    expect(all.rejects[0]).toMatchObject({
      table_name: 'KNOWS',
      file_name: 'KNOWS.data',
      row: 2,
      reason: 'to_not_found',
    });
    expect(await client.expect(200, 'GET', `${rejects}?table_name=Person&reason=type_mismatch`)).toMatchObject({
      rejects: [{ row: 2, detail: 'id is not INT64: x', data: '{"id":"x","name":"Bad"}' }],
    });
    expect(await client.expect(200, 'GET', `${rejects}?limit=1&offset=1`)).toMatchObject({ next_offset: 2 });
    const other = await client.createGraph(PEOPLE);
    const elsewhere = rejects.replace(graph, other);
    expect((await client.request('GET', elsewhere)).status).toBe(404);
    expect((await client.request('GET', rejects.replace(operation, 'op_1'))).status).toBe(404);
    const { _links: links } = await client.materialize(graph);
    const download = await client.request('GET', (links as Record<string, string>).rejects_download);
    expect(download.headers.get('content-disposition')).toMatch(/^attachment; filename="rejects-op_\w+\.ndjson"$/);
    const lines = (await download.text()).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { reason: string }).reason).sort()).toEqual([
      'duplicate_key',
      'to_not_found',
      'type_mismatch',
    ]);
  });

  it('validates what is announced and asked', async () => {
    const post = async (fields: object) =>
      problem(
        await client.request('POST', files(), {
          file_name: 'a.csv',
          table_name: 'Person',
          content_type: 'text/csv',
          ...fields,
        }),
      );
    expect(await post({ table_name: 'Pirate' })).toMatchObject({
      status: 404,
      code: 'table_not_found',
      tables: ['Person', 'KNOWS'],
    });
    expect(await post({ content_type: 'image/png' })).toMatchObject({
      status: 415,
      code: 'unsupported_media_type',
    });
    expect(await post({ file_name: '../a.csv' })).toMatchObject({
      status: 422,
      detail: [{ loc: ['body', 'file_name'] }],
    });
    expect(await post({ column_mapping: { who: 'nobody', a: 'id', b: 'ID' } })).toMatchObject({
      status: 422,
      detail: [{ loc: ['body', 'column_mapping', 'who'] }, { loc: ['body', 'column_mapping', 'b'] }],
    });
    expect(await post({ csv: { date_formats: ['%Q'], encoding: 'klingon', delimiter: '' } })).toMatchObject({
      status: 422,
      detail: expect.arrayContaining(
        ['date_formats', 'encoding', 'delimiter'].map(
          (name) => expect.objectContaining({ loc: ['body', 'csv', name] }) as unknown,
        ),
      ) as unknown,
    });
    expect(await post({ table_name: undefined })).toMatchObject({ status: 422 });
    const { file_id: id } = await announce();
    const patch = async (body: object) => problem(await client.request('PATCH', files(`/${id}`), body));
    expect(await patch({ status: 'uploaded' })).toMatchObject({ status: 409, code: 'file_not_uploaded' });
    expect(await patch({ status: 'archived' })).toMatchObject({ status: 409, code: 'file_not_uploaded' });
    expect(await patch({ status: 'disabled', ingest_to_graph: true })).toMatchObject({
      status: 422,
      detail: [{ loc: ['body', 'ingest_to_graph'] }],
    });
    expect(await patch({ status: 'lost' })).toMatchObject({ status: 422 });
    expect(await problem(await client.request('GET', files('?limit=0')))).toMatchObject({ status: 422 });
  });

  it('answers SQL over what is staged, in pages, and over nothing else', async () => {
    await staged('Person', PERSONS);
    await staged('Person', 'id,name\n9007199254740993,Big\n');
    await staged('KNOWS', KNOWS);
    const ask = (body: object) => client.request('POST', `/v1/graphs/${graph}/tables/query`, body);
    const sql = `select p.id, p.name, k.since from "Person" p left join KNOWS k on k."from" = p.id where p.name <> ? order by 1`;
    const first = await (await ask({ sql, parameters: ['Grace'], limit: 2 })).json();
    expect(first).toMatchObject({
      columns: ['id', 'name', 'since'],
      column_types: ['BIGINT', 'VARCHAR', 'INTEGER'],
      rows: [
        [1, 'Ada', 1900],
        [3, 'Edsger', null],
      ],
      row_count: 2,
      truncated: true,
      next_offset: 2,
    });
    const last = await (await ask({ sql, parameters: ['Grace'], limit: 2, offset: 2 })).json();
    expect(last).toMatchObject({ rows: [['9007199254740993', 'Big', null]], truncated: false, next_offset: null });
    expect(await problem(await ask({ sql: 'drop view "Person"' }))).toMatchObject({
      status: 403,
      code: 'statement_refused',
    });
    expect(await problem(await ask({ sql: 'select nme from Person' }))).toMatchObject({
      status: 400,
      code: 'sql_invalid',
    });
    expect(await problem(await ask({ sql: 'select 1', limit: 0 }))).toMatchObject({ status: 422 });
    expect(readdirSync(join(platform.dataDir, 'table-queries'))).toEqual([]);
  });

  it('knows a file only in its own graph', async () => {
    const { file_id: id, upload_url: url } = await announce();
    await put(url, PERSONS);
    const other = await client.createGraph(PEOPLE);
    for (const [method, body] of [['GET'], ['PATCH', { status: 'uploaded' }], ['DELETE']] as [string, object?][]) {
      for (const path of [`/v1/graphs/${other}/files/${id}`, files(`/${MISSING}`), files('/not-an-id')]) {
        expect(await problem(await client.request(method, path, body))).toMatchObject({
          status: 404,
          code: 'file_not_found',
        });
      }
    }
  });

  it('takes uploads only by links that it gave out', async () => {
    const [a, b] = [await announce(), await announce()];
    const mixed = a.upload_url.replace(a.file_id, b.file_id);
    for (const url of [mixed, `${a.upload_url}x`, a.upload_url.split('?')[0]]) {
      expect(await problem(await put(url, PERSONS))).toMatchObject({ status: 403, code: 'upload_link_invalid' });
    }
    expect(stored()).toEqual([]);
  });

  it('refuses what is too large, announced or not, and stores nothing of it', async () => {
    const { file_id: id, upload_url: url } = await announce();
    const tooLarge = { status: 413, code: 'file_too_large' };
    expect(await problem(await put(url, Buffer.alloc(MAX_MB * 1_048_576 + 1)))).toMatchObject(tooLarge);
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        if ((sent += 1) > 2 * MAX_MB) controller.close();
        else controller.enqueue(new Uint8Array(1_048_576));
      },
    });
    expect(await problem(await put(url, endless))).toMatchObject(tooLarge);
    expect(stored()).toEqual([]);
    expect(await client.expect(200, 'GET', files(`/${id}`))).toMatchObject({ status: 'pending', size_bytes: 0 });
  });

  it('stores nothing when the sender goes away in the middle', async () => {
    const { file_id: id, upload_url } = await announce();
    const url = new URL(upload_url);
    const socket = connect(Number(url.port), url.hostname);
    const head = `PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: 1000000\r\n\r\n`;
    socket.write(head + 'id,name\n1,Ada\n');
    await until(() => stored().length === 1, 'the beginning of the upload');
    socket.destroy();
    await until(() => stored().length === 0, 'the removal of the unfinished upload');
    expect(await client.expect(200, 'GET', files(`/${id}`))).toMatchObject({ status: 'pending', size_bytes: 0 });
  });

  it('removes a file with its objects; the graph is behind only if it had its rows', async () => {
    const { file_id: unused } = await staged('Person', 'id,name\n9,Nobody\n');
    expect(await client.expect(200, 'DELETE', files(`/${unused}`))).toMatchObject({ graph_marked_stale: false });
    expect(stored()).toEqual([]);
    const { file_id: id, operation_id: operation } = await staged('Person', PERSONS);
    await staged('KNOWS', KNOWS);
    await client.materialize(graph);
    expect(await client.expect(200, 'GET', files(`/${id}`))).toMatchObject({
      layers: { graph: { status: 'ingested' } },
    });

    await postgres.query('insert into operation_lock (resource, operation_id) values ($1, $2)', [
      `graph:${graph}`,
      operation,
    ]);
    expect(await problem(await client.request('DELETE', files(`/${id}`)))).toMatchObject({
      status: 409,
      code: 'graph_busy',
      operation_id: operation,
    });
    await postgres.query('delete from operation_lock where resource = $1', [`graph:${graph}`]);

    expect(await client.expect(200, 'DELETE', files(`/${id}`))).toMatchObject({
      file_id: id,
      graph_marked_stale: true,
      tables_affected: ['Person'],
    });
    expect(await client.expect(200, 'GET', `/v1/graphs/${graph}/materialize`)).toMatchObject({
      is_stale: true,
      stale_reason: 'file "Person.data" was deleted from Person',
    });
    expect((await client.request('GET', files(`/${id}`))).status).toBe(404);
    const { rows } = await postgres.query<{ action: string }>(
      'select action from audit_event where target = $1 order by id',
      [id],
    );
    expect(rows.map(({ action }) => action)).toEqual(['file.created', 'file.staging_requested', 'file.deleted']);
  });

  it('survives the death of the process that reads the file, and leaves no partial files', async () => {
    const line = `,${'x'.repeat(40)}\n`;
    const content = `id,name\n${Array.from({ length: 600_000 }, (_, id) => id + line).join('')}`;
    const staging = client.stage(graph, 'Person', 'big.csv', content);
    const work = join(platform.dataDir, 'work');
    let killed = 0;
    await until(() => (killed = killReaderIn(work)) > 0, 'the staging process');
    expect(killed).toBeGreaterThan(0);
    const answer = (await (await staging).json()) as Started & Record<string, unknown>;
    expect(answer).toMatchObject({ status: 'staged', row_count: 600_000 });
    const { rows } = await postgres.query<{ attempt: number }>('select attempt from operation where id = $1', [
      answer.operation_id,
    ]);
    expect(rows[0].attempt).toBeGreaterThan(1);
    expect(readdirSync(work)).toEqual([]);
    expect(stored()).toHaveLength(2);
  }, 60_000);
});

/** Kills the DuckDB processes that work below a folder; how many there were. */
function killReaderIn(folder: string): number {
  const found = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const isReader = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('duckdb-main');
      return isReader && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
  for (const pid of found) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      // Gone with the one that was killed before it.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  return found.length;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 40_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
