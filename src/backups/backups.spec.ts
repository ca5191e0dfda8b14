import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type Started } from '../../test/support/client';
import { KNOWS, PEOPLE, PERSONS } from '../../test/support/people';
import type { Platform } from '../../test/support/platform';
import { PlatformWorld } from '../../test/support/platform-world';
import { StoredObjects } from '../../test/support/stored-objects';

type Body = Record<string, unknown>;
interface StartedBackup extends Started {
  backup_id: string;
  system_backup_id?: string | null;
}

const TYPES = {
  id: 'INT64',
  i8: 'INT8',
  u64: 'UINT64',
  i128: 'INT128',
  d: 'DOUBLE',
  dec: 'DECIMAL(18,4)',
  b: 'BOOLEAN',
  s: 'STRING',
  day: 'DATE',
  at: 'TIMESTAMP',
  u: 'UUID',
  nested: 'INT64[][]',
  point: 'STRUCT(x INT64, name STRING)',
  counts: 'MAP(STRING, INT64)',
  spans: 'INTERVAL[]',
};
const VALUES = [
  '{"id": 9223372036854775807, "i8": 127, "u64": 18446744073709551615, "i128": "170141183460469231731687303715884105727", ' +
    '"d": 0.1, "dec": "12345678901234.5678", "b": true, "s": "żółw 🐢 日本", "day": "1969-12-31", ' +
    '"at": "2020-02-29T23:59:59.123456", "u": "00000000-0000-4000-8000-00000000000a", ' +
    '"nested": [[9223372036854775807], [], [1, null]], "point": {"x": -9223372036854775808, "name": "x"}, "counts": {"a": 1}, "spans": ["P1Y2M3DT4H5M6.000007S", null, "PT0.5S"]}',
  '{"id": -9223372036854775808, "i128": "-170141183460469231731687303715884105727"}',
].join('\n');

/** Backups on a running platform, over HTTP as users make and restore them. */
describe('backups', () => {
  let world: PlatformWorld;
  let platform: Platform;
  let client: Client;
  let stored: StoredObjects;
  let graph: string;

  beforeAll(async () => {
    world = await PlatformWorld.start({
      BACKUP_SWEEP_SECONDS: '1',
      TIER_LIMITS: JSON.stringify({ 'ladybug-standard': { backups_per_day: 3 } }),
    });
    ({ platform, client } = world);
    stored = await StoredObjects.of(platform.dataDir);
  }, 90_000);
  afterAll(async () => {
    stored?.close();
    await world?.end();
  });
  beforeEach(async () => {
    graph = await client.createGraph(PEOPLE);
    await client.stage(graph, 'Person', 'persons.csv', PERSONS);
    await client.stage(graph, 'KNOWS', 'knows.csv', KNOWS);
    await client.materialize(graph);
  }, 60_000);

  const at = (rest = '', of = graph) => `/v1/graphs/${of}/backups${rest}`;
  const begin = (options: Body = {}) => client.expect<StartedBackup>(202, 'POST', at(), options);
  const made = async (options: Body = {}): Promise<string> => {
    const started = await begin(options);
    await client.result(started);
    return started.backup_id;
  };
  const restore = (backupId: string, options: Body = {}) =>
    client.expect<StartedBackup>(202, 'POST', at(`/${backupId}/restore`), options);
  const failure = async (started: Started): Promise<Body> => {
    const last = (await client.events(started)).filter(({ id }) => id !== null).at(-1)!;
    expect(last.event).toBe('operation_error');
    return last.data;
  };
  const refusal = (method: string, path: string, body?: object) => client.refusal(method, path, body);
  const names = (of = graph) => client.query(of, 'MATCH (p:Person) RETURN p.id AS id, p.name AS name ORDER BY id');
  const knows = (of = graph) =>
    client.query(of, 'MATCH (a)-[k:KNOWS]->(b) RETURN a.id AS f, b.id AS t, k.since AS s ORDER BY f, t');
  const info = (of = graph) => client.expect(200, 'GET', `/v1/graphs/${of}/info`);
  const addPerson = async (id: number) => {
    const nodes = [{ label: 'Person', properties: { id, name: `Person ${id}` } }];
    await client.result(
      await client.expect<Started>(202, 'POST', `/v1/graphs/${graph}/rows`, { nodes, relationships: [] }),
    );
  };
  /** The key of the sealed object of a backup. */
  const sealed = async (backupId: string): Promise<string> =>
    (await stored.keys(`backups/${graph}/${backupId}/`)).find((key) => key.endsWith('.sealed'))!;

  it('are made, read back, listed, counted, labelled and deleted', async () => {
    const started = await begin({ labels: ['before the demo', 'before the demo'], retention_days: 90 });
    expect(await client.result(started)).toMatchObject({ verified: true, node_count: 3, relationship_count: 2 });
    const backup = await client.expect(200, 'GET', at(`/${started.backup_id}`));
    expect(backup).toMatchObject({
      status: 'completed',
      kind: 'manual',
      backup_format: 'full_dump',
      restorable: true,
      encryption_enabled: true,
      labels: ['before the demo'],
      // What the tier allows is less than what was asked for.
      retention_days: 7,
      node_counts: { Person: 3 },
      relationship_counts: { KNOWS: 2 },
      staging_files: [{ file_name: 'persons.csv' }, { file_name: 'knows.csv' }],
      error: null,
    });
    expect(backup.original_size_bytes).toBeGreaterThan(0);
    expect(backup.compression_ratio).toBeGreaterThan(1);
    expect(await info()).toMatchObject({ backup_count: 1, last_backup_date: backup.completed_at });
    // Nothing of the rows can be read in what is stored, and the key is for nobody else.
    expect((await stored.read(await sealed(started.backup_id))).includes('Ada')).toBe(false);
    expect(statSync(join(platform.dataDir, 'backup-master.key')).mode & 0o777).toBe(0o600);
    const other = await made();
    const page = await client.expect<{ backups: Body[] }>(200, 'GET', at('?limit=1&offset=1'));
    expect(page).toMatchObject({ total_count: 2, backups: [{ backup_id: started.backup_id }] });
    expect(await client.expect(200, 'GET', at('?label=before%20the%20demo'))).toMatchObject({ total_count: 1 });
    expect(await client.expect(200, 'PATCH', at(`/${other}`), { labels: ['x'] })).toMatchObject({ labels: ['x'] });
    expect(await client.expect(200, 'GET', at('/stats'))).toMatchObject({
      total_backups: 2,
      successful_backups: 2,
      failed_backups: 0,
      success_rate: 100,
      backup_formats: { full_dump: 2 },
    });
    await client.expect(200, 'DELETE', at(`/${other}`));
    await client.expect(404, 'GET', at(`/${other}`));
    expect(await stored.keys(`backups/${graph}/${other}/`)).toEqual([]);
    expect(
      await client.result(await client.expect<Started>(202, 'POST', at(`/${started.backup_id}/verify`))),
    ).toMatchObject({
      verified: true,
    });
  }, 120_000);

  it('come back as the next generation, with the schema and the files of then, and can be taken back', async () => {
    const [people, edges, before] = [await names(), await knows(), await info()];
    const backup = await made();
    await addPerson(4);
    const add = { nodes: [{ name: 'Person', properties: [{ name: 'city', type: 'STRING' }] }] };
    await client.result(await client.expect<Started>(202, 'PATCH', `/v1/graphs/${graph}/schema`, { add }));
    const changed = await info();
    const started = await restore(backup);
    const result = await client.result(started);
    expect(result).toMatchObject({ backup_id: backup, node_count: 3, previous_generation: changed.generation });
    expect(await names()).toEqual(people);
    expect(await knows()).toEqual(edges);
    expect((await info()).sha256).toBe(before.sha256);
    const { schema } = await client.expect<{ schema: { nodes: Body[] } }>(200, 'GET', `/v1/graphs/${graph}/schema`);
    expect(JSON.stringify(schema)).not.toContain('city');
    // The row that was added since waits in staging, so the graph is behind it and says so.
    expect(await client.expect(200, 'GET', `/v1/graphs/${graph}/materialize`)).toMatchObject({ is_stale: true });
    // What was live was backed up first, as a backup like others.
    expect(await client.expect(200, 'GET', at(`/${started.system_backup_id}`))).toMatchObject({
      kind: 'system',
      status: 'completed',
      node_counts: { Person: 4 },
    });
    const body = { generation: result.generation };
    await client.expect(200, 'POST', `/v1/graphs/${graph}/rollback`, body);
    expect(await names()).toHaveLength(4);
    expect(await client.query(graph, 'MATCH (p:Person) WHERE p.city IS NULL RETURN count(*) AS n')).toEqual([{ n: 4 }]);
  }, 120_000);

  it('become a new graph beside the old one, that has the rows and not the files', async () => {
    const backup = await made();
    await addPerson(4);
    const started = await restore(backup, { new_graph: { graph_name: 'the copy' } });
    expect(started.graph_id).not.toBe(graph);
    expect(started.system_backup_id).toBeNull();
    await client.result(started);
    expect(await names(started.graph_id)).toHaveLength(3);
    expect(await names()).toHaveLength(4);
    expect(await info(started.graph_id)).toMatchObject({ database_name: 'the copy', status: 'active' });
    expect(await client.expect(200, 'GET', `/v1/graphs/${started.graph_id}/materialize`)).toMatchObject({
      is_stale: false,
    });
    expect(await client.expect(200, 'GET', `/v1/graphs/${started.graph_id}/files`)).toMatchObject({ files: [] });
    // It is of the old graph, and not found in the new one.
    await client.expect(404, 'GET', at(`/${backup}`, started.graph_id));
  }, 120_000);

  it('bring back values of every type as they were', async () => {
    const properties = Object.entries(TYPES).map(([name, type]) => ({ name, type, is_primary_key: name === 'id' }));
    const all = await client.createGraph({ name: 'all', nodes: [{ name: 'Every', properties }] });
    const staged = await client.stage(all, 'Every', 'every.ndjson', VALUES, 'application/x-ndjson');
    expect([staged.status, await staged.text()]).toEqual([200, expect.any(String)]);
    await client.materialize(all);
    const read = (of: string) => client.query(of, 'MATCH (e:Every) RETURN e.* ORDER BY e.id');
    const before = await read(all);
    expect(JSON.stringify(before)).toContain('9223372036854775807');
    const started = await client.expect<StartedBackup>(202, 'POST', at('', all), {});
    await client.result(started);
    const copy = await client.expect<StartedBackup>(202, 'POST', at(`/${started.backup_id}/restore`, all), {
      new_graph: { graph_name: 'copy' },
    });
    await client.result(copy);
    expect(await read(copy.graph_id)).toEqual(before);
    expect((await info(copy.graph_id)).sha256).toBe((await info(all)).sha256);
  }, 120_000);

  it('that are not as they were written are refused, and the live graph stays as it was', async () => {
    const backup = await made();
    const key = await sealed(backup);
    const whole = await stored.read(key);
    await addPerson(4);
    const before = await info();
    const flipped = Buffer.from(whole);
    flipped[200] ^= 1;
    for (const harmed of [flipped, whole.subarray(0, -1), Buffer.alloc(0)]) {
      await stored.write(key, harmed);
      expect(await failure(await restore(backup, { create_system_backup: false }))).toMatchObject({
        error_details: { cause_code: 'backup_damaged', step: 'Reading, decrypting and opening the backup' },
      });
      expect(await info()).toEqual(before);
    }
    expect(await names()).toHaveLength(4);
    await failure(await client.expect<Started>(202, 'POST', at(`/${backup}/verify`)));
    const damaged = { restorable: false, verified_at: null, error: { code: 'backup_damaged' } };
    expect(await client.expect(200, 'GET', at(`/${backup}`))).toMatchObject(damaged);
  }, 120_000);

  it('cannot stand in for each other', async () => {
    const one = await made();
    await addPerson(4);
    const other = await made();
    await stored.write(await sealed(one), await stored.read(await sealed(other)));
    expect(await failure(await restore(one, { create_system_backup: false }))).toMatchObject({
      error_details: { cause_code: 'backup_damaged' },
    });
    expect(await client.result(await restore(other, { create_system_backup: false }))).toMatchObject({ node_count: 4 });
  }, 120_000);

  it('belong to their graph: under the name of another one there are none', async () => {
    const backup = await made();
    const other = await client.createGraph(PEOPLE);
    const { client: stranger } = await Client.register(platform.url, `stranger.${graph}@example.org`);
    const theirs = await stranger.createGraph(PEOPLE);
    for (const [by, of] of [
      [client, other],
      [stranger, theirs],
    ] as const)
      for (const [method, rest, body] of [
        ['GET', ''],
        ['PATCH', '', { labels: ['x'] }],
        ['POST', '/verify'],
        ['POST', '/restore', { create_system_backup: false }],
        ['POST', '/restore', { new_graph: { graph_name: 'taken' } }],
        ['GET', '/download'],
        ['DELETE', ''],
      ] as const) {
        const answer = await by.refusal(method, at(`/${backup}${rest}`, of), body);
        expect([method, rest, answer]).toMatchObject([method, rest, { status: 404, code: 'backup_not_found' }]);
      }
    expect(await client.expect(200, 'GET', at(`/${backup}`))).toMatchObject({ status: 'completed', labels: [] });
  }, 90_000);

  it('stop a restore whose safety copy cannot be made', async () => {
    const backup = await made();
    const { generation } = await info();
    const file = join(platform.dataDir, 'graphs', graph, String(generation), 'graph.lbug');
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(file, bytes);
    const started = await restore(backup);
    expect(await failure(started)).toMatchObject({ error_details: { step: 'Backing up what is live' } });
    expect(await info()).toMatchObject({ generation });
    expect(await client.expect(200, 'GET', at(`/${started.system_backup_id}`))).toMatchObject({ status: 'failed' });
  }, 120_000);

  it('are restored one at a time, made only as often as the tier allows, and asked for in words that are understood', async () => {
    const backup = await made();
    const [one, other] = await Promise.all([
      client.request('POST', at(`/${backup}/restore`), {}),
      client.request('POST', at(`/${backup}/restore`), {}),
    ]);
    expect([one.status, other.status].sort()).toEqual([202, 409]);
    const started = (await (one.status === 202 ? one : other).json()) as Started;
    await client.result(started);
    const both = await Promise.all([1, 2, 3].map(() => client.request('POST', at(), {})));
    expect(both.map(({ status }) => status).sort()).toEqual([202, 202, 429]);
    for (const response of both) if (response.status === 202) await client.result((await response.json()) as Started);
    for (const body of [
      { compression: false },
      { backup_format: 'zip' },
      { schedule: '* * * * *' },
      { retention_days: 0 },
    ]) {
      expect(await refusal('POST', at(), body)).toMatchObject({ status: 422 });
    }
    expect(await refusal('POST', at(`/${graph}/restore`), {})).toMatchObject({ status: 404, code: 'backup_not_found' });
  }, 90_000);
});
