import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Client as Postgres } from 'pg';
import { extract } from 'tar-stream';
import { Client, type Started } from '../../test/support/client';
import { eventually } from '../../test/support/eventually';
import { KNOWS, PEOPLE, PERSONS } from '../../test/support/people';
import type { Platform } from '../../test/support/platform';
import { PlatformWorld } from '../../test/support/platform-world';
import { StoredObjects } from '../../test/support/stored-objects';

type Body = Record<string, unknown>;
interface Link {
  download_url: string;
  expires_at: number;
}

const PER_MONTH = 6;

/** What becomes of backups that were made: they are fetched, they expire, they outlive their graph. */
describe('backups that are kept', () => {
  let world: PlatformWorld;
  let postgres: Postgres;
  let platform: Platform;
  let client: Client;
  let stored: StoredObjects;
  let orgId: string;
  let graph: string;
  let people = 0;

  beforeAll(async () => {
    world = await PlatformWorld.start({
      BACKUP_RETENTION_CHECK_SECONDS: '1',
      TIER_LIMITS: JSON.stringify({ 'ladybug-standard': { backup_downloads_per_month: PER_MONTH } }),
    });
    ({ platform, client } = world);
    stored = await StoredObjects.of(platform.dataDir);
    postgres = new Postgres({ connectionString: world.database.url });
    await postgres.connect();
    const { orgs } = await client.expect<{ orgs: { id: string }[] }>(200, 'GET', '/v1/orgs');
    orgId = orgs[0].id;
  }, 120_000);
  afterAll(async () => {
    stored?.close();
    await postgres?.end();
    await world?.end();
  });
  beforeEach(async () => {
    graph = await client.createGraph(PEOPLE);
    await client.stage(graph, 'Person', 'persons.csv', PERSONS);
    await client.stage(graph, 'KNOWS', 'knows.csv', KNOWS);
    await client.materialize(graph);
  }, 60_000);

  const at = (rest = '', of = graph) => `/v1/graphs/${of}/backups${rest}`;
  const made = async (): Promise<string> => {
    const started = await client.expect<Started & { backup_id: string }>(202, 'POST', at(), {});
    await client.result(started);
    return started.backup_id;
  };
  const link = (backupId: string, by = client) => by.expect<Link>(200, 'GET', at(`/${backupId}/download`));
  const refusal = async (answer: Promise<Response>): Promise<Body> => {
    const response = await answer;
    return { ...((await response.json()) as Body), status: response.status };
  };
  const fetched = (url: string, headers: Record<string, string> = {}) => fetch(url, { headers });
  const actions = async (target: string): Promise<string[]> => {
    const { rows } = await postgres.query<{ action: string; outcome: string }>(
      'select action, outcome from audit_event where target = $1 order by id',
      [target],
    );
    return rows.map(({ action, outcome }) => (outcome === 'success' ? action : `${action}: ${outcome}`));
  };
  const expire = (...ids: string[]) =>
    postgres.query(`update backup set expires_at = now() - interval '1 second' where id = any ($1)`, [ids]);
  const objectsOf = (backupId: string) => stored.keys(`backups/${graph}/${backupId}/`);
  const gone = (backupId: string) =>
    eventually(
      'its objects are gone',
      () => objectsOf(backupId),
      (keys) => keys.length === 0,
      30_000,
    );
  /** Somebody in the organisation. */
  const colleague = async (role: string): Promise<{ userId: string; client: Client; keyId: string }> => {
    people += 1;
    const email = `colleague${people}@example.org`;
    const made = await Client.register(platform.url, email);
    if (role !== 'stranger') await client.expect(201, 'POST', `/v1/orgs/${orgId}/members`, { email, role });
    return made;
  };

  it('are fetched decrypted by a link, whole or in parts', async () => {
    const backupId = await made();
    const { download_url: url, expires_at: expires } = await link(backupId);
    expect(expires * 1_000).toBeGreaterThan(Date.now() + 3_000_000);
    const { content_sha256: sha256 } = await client.expect<{ content_sha256: string }>(200, 'GET', at(`/${backupId}`));
    const whole = await fetched(url);
    expect(whole.status).toBe(200);
    const bytes = Buffer.from(await whole.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    expect(whole.headers.get('content-length')).toBe(String(bytes.length));
    expect(whole.headers.get('cache-control')).toContain('no-store');
    const names: string[] = [];
    for await (const entry of Readable.from([bytes]).pipe(extract())) {
      names.push(entry.header.name);
      entry.resume();
    }
    expect(names).toEqual(expect.arrayContaining(['manifest.json', expect.stringMatching(/^graph\//)]));

    const half = Math.floor(bytes.length / 2);
    const etag = whole.headers.get('etag')!;
    const first = await fetched(url, { range: `bytes=0-${half - 1}` });
    const rest = await fetched(url, { range: `bytes=${half}-`, 'if-range': etag });
    expect([first.status, rest.status]).toEqual([206, 206]);
    expect(rest.headers.get('content-range')).toBe(`bytes ${half}-${bytes.length - 1}/${bytes.length}`);
    const parts = [await first.arrayBuffer(), await rest.arrayBuffer()].map((part) => Buffer.from(part));
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    const changed = await fetched(url, { range: 'bytes=0-9', 'if-range': '"of another archive"' });
    expect([changed.status, (await changed.arrayBuffer()).byteLength]).toEqual([200, bytes.length]);
    expect(await refusal(fetched(url, { range: `bytes=${bytes.length}-` }))).toMatchObject({
      status: 416,
      code: 'range_not_satisfiable',
      bytes: bytes.length,
    });
    expect(await actions(backupId)).toEqual(
      expect.arrayContaining(['backup.download_link_created', 'backup.downloaded']),
    );
  }, 60_000);

  it('are fetched by nobody else, and not when the right is gone', async () => {
    const backupId = await made();
    const other = await client.createGraph(PEOPLE);
    expect(await refusal(client.request('GET', at(`/${backupId}/download`, other)))).toMatchObject({ status: 404 });
    expect(await refusal(client.request('GET', at(`/${backupId}/download?expires_in=10`)))).toMatchObject({
      status: 422,
    });
    const member = await colleague('member');
    await client.expect(201, 'POST', `/v1/graphs/${graph}/members`, { user_id: member.userId, role: 'member' });
    expect(await refusal(member.client.request('GET', at(`/${backupId}/download`)))).toMatchObject({ status: 403 });

    const { download_url: url } = await link(backupId);
    const forged = url.replace(/signature=.{4}/, 'signature=AAAA');
    expect(await refusal(fetched(forged))).toMatchObject({ status: 403, code: 'download_link_invalid' });
    const { download_url: second } = await link(backupId);
    const mixed = new URL(second);
    mixed.search = new URL(url).search;
    expect(await refusal(fetched(mixed.href))).toMatchObject({ status: 403, code: 'download_link_invalid' });
    await postgres.query(`update backup_download set expires_at = now() where id = $1`, [
      /downloads\/([^?]+)/.exec(second)![1],
    ]);
    expect(await refusal(fetched(second))).toMatchObject({ status: 403, code: 'download_link_expired' });

    const admin = await colleague('admin');
    const { download_url: theirs } = await link(backupId, admin.client);
    expect((await fetched(theirs)).status).toBe(200);
    await client.expect(200, 'PUT', `/v1/orgs/${orgId}/members/${admin.userId}`, { role: 'member' });
    await eventually(
      'the link is refused',
      () => fetched(theirs),
      ({ status }) => status === 403,
    );
    expect(await actions(backupId)).toContain('backup.download_refused: failure');

    const leaver = await colleague('admin');
    const { download_url: ofKey } = await link(backupId, leaver.client);
    await leaver.client.expect(200, 'DELETE', `/v1/user/api-keys/${leaver.keyId}`);
    expect(await refusal(fetched(ofKey))).toMatchObject({ status: 403, code: 'download_link_expired' });

    await client.expect(200, 'DELETE', at(`/${backupId}`));
    expect(await refusal(fetched(url))).toMatchObject({ status: 404, code: 'backup_not_found' });
  }, 120_000);

  it('are fetched as often as the tier allows, also by many at once', async () => {
    const backupId = await made();
    const answers = await Promise.all(
      Array.from({ length: PER_MONTH + 3 }, () => client.request('GET', at(`/${backupId}/download`))),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array<number>(PER_MONTH).fill(200), 429, 429, 429]);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'backup_download_limit_reached', limit_per_month: PER_MONTH });
    expect(await client.expect(200, 'GET', at())).toMatchObject({
      download_quota: { limit_per_month: PER_MONTH, used_this_month: PER_MONTH, remaining: 0 },
    });
  }, 60_000);

  it('go when their time is over, but for the last good one of a graph that is there', async () => {
    const [old, last] = [await made(), await made()];
    expect(await objectsOf(old)).toHaveLength(2);
    await expire(old, last);
    await gone(old);
    expect(await actions(old)).toContain('backup.expired');
    expect(await client.expect(200, 'GET', at())).toMatchObject({ total_count: 1, backups: [{ backup_id: last }] });
    const newer = await made();
    await gone(last);
    expect(await client.expect(200, 'GET', at())).toMatchObject({ total_count: 1, backups: [{ backup_id: newer }] });
  }, 60_000);

  it('outlive their graph, and are restored by an administrator of the organisation into a new one', async () => {
    const [older, backupId] = [await made(), await made()];
    const { download_url: url } = await link(backupId);
    await client.result(await client.expect<Started>(202, 'DELETE', `/v1/graphs/${graph}`));
    expect(await refusal(client.request('GET', at(`/${backupId}`)))).toMatchObject({ status: 404 });
    expect(await refusal(fetched(url))).toMatchObject({ status: 403 });

    const kept = `/v1/orgs/${orgId}/deleted-graphs/backups`;
    const restore = `${kept}/${backupId}/restore`;
    expect(await client.expect(200, 'GET', kept)).toMatchObject({
      backups: [
        { backup_id: backupId, graph_id: graph },
        { backup_id: older, graph_id: graph },
      ],
    });
    const wanted = { graph_name: 'again' };
    const [member, stranger] = [await colleague('member'), await colleague('stranger')];
    expect(await refusal(member.client.request('POST', restore, wanted))).toMatchObject({ status: 403 });
    expect(await refusal(stranger.client.request('POST', restore, wanted))).toMatchObject({ status: 404 });
    const { orgs } = await stranger.client.expect<{ orgs: { id: string }[] }>(200, 'GET', '/v1/orgs');
    const elsewhere = `/v1/orgs/${orgs[0].id}/deleted-graphs/backups`;
    expect(await stranger.client.expect(200, 'GET', elsewhere)).toMatchObject({ backups: [], total_count: 0 });
    expect(await refusal(stranger.client.request('POST', `${elsewhere}/${backupId}/restore`, wanted))).toMatchObject({
      status: 404,
      code: 'backup_not_found',
    });

    const started = await client.expect<Started>(202, 'POST', restore, wanted);
    expect(started.graph_id).not.toBe(graph);
    await client.result(started);
    expect(await client.query(started.graph_id, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 3 }]);
    expect(await actions(backupId)).toContain('backup.recovery_requested');
    // The last good one of a graph that is gone waits for the tier's days from then on, whatever its own time was.
    await expire(older, backupId);
    await gone(older);
    expect(await client.expect(200, 'GET', kept)).toMatchObject({ backups: [{ backup_id: backupId }] });
    expect(await objectsOf(backupId)).toHaveLength(2);
    await postgres.query(`update graph set deleted_at = deleted_at - interval '7 days' where id = $1`, [graph]);
    await gone(backupId);
    expect(await client.expect(200, 'GET', kept)).toMatchObject({ total_count: 0 });
  }, 90_000);

  it('of a deleted graph are restored into another one of the organisation, with a backup of what was there', async () => {
    const backupId = await made();
    await client.result(await client.expect<Started>(202, 'DELETE', `/v1/graphs/${graph}`));
    const other = await client.createGraph(PEOPLE);
    await client.stage(other, 'Person', 'persons.csv', 'id,name\n7,Barbara\n');
    await client.materialize(other);
    const restore = `/v1/orgs/${orgId}/deleted-graphs/backups/${backupId}/restore`;
    const stranger = await colleague('stranger');
    const theirs = await stranger.client.createGraph(PEOPLE);
    for (const into of [theirs, 'kg0000000000000000', 'no id']) {
      expect(await refusal(client.request('POST', restore, { graph_id: into }))).toMatchObject({ status: 404 });
    }
    expect(await refusal(client.request('POST', restore, {}))).toMatchObject({ status: 422 });

    type Begun = Started & { system_backup_id: string };
    const started = await client.expect<Begun>(202, 'POST', restore, { graph_id: other });
    expect(started).toMatchObject({ graph_id: other, system_backup_id: expect.any(String) as string });
    await client.result(started);
    expect(await client.query(other, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 3 }]);
    expect(await client.expect(200, 'GET', at(`/${started.system_backup_id}`, other))).toMatchObject({
      status: 'completed',
      node_counts: { Person: 1 },
    });
  }, 90_000);

  it('cannot be fetched while their graph is suspended, nor can files be sent to it; afterwards both can', async () => {
    const backupId = await made();
    const { download_url: url } = await link(backupId);
    const file = { file_name: 'p.csv', table_name: 'Person', content_type: 'text/csv' };
    const { upload_url: upload } = await client.expect<{ upload_url: string }>(
      200,
      'POST',
      `/v1/graphs/${graph}/files`,
      file,
    );
    const sent = () => fetch(upload, { method: 'PUT', body: PERSONS, headers: { 'content-type': 'text/csv' } });
    await client.expect(200, 'POST', `/v1/admin/graphs/${graph}/suspend`, { reason: 'Not paid' });
    const suspended = { status: 402, code: 'graph_suspended' };
    expect(await refusal(fetched(url))).toMatchObject(suspended);
    expect(await refusal(sent())).toMatchObject(suspended);
    expect(await actions(backupId)).toContain('backup.download_refused: failure');
    await client.expect(200, 'POST', `/v1/admin/graphs/${graph}/resume`);
    expect((await fetched(url)).status).toBe(200);
    expect((await sent()).status).toBe(200);
  }, 60_000);

  it('of a graph that is there are not among those of deleted ones', async () => {
    const backupId = await made();
    const restore = `/v1/orgs/${orgId}/deleted-graphs/backups/${backupId}/restore`;
    expect(await refusal(client.request('POST', restore, { graph_name: 'again' }))).toMatchObject({ status: 404 });
  }, 60_000);
});
