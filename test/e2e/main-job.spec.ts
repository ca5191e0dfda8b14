import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type Started } from '../support/client';
import { KNOWS, PEOPLE, PERSONS } from '../support/people';
import { Platform } from '../support/platform';

/** What a stranger does after `npm start`, on the embedded default with its own Postgres. */
describe('the main job', () => {
  let dataDir: string;
  let remove: () => Promise<void>;
  let platform: Platform;
  let client: Client;

  beforeAll(async () => {
    ({ dataDir, remove } = await Platform.newDataDir());
    platform = await Platform.start(dataDir);
    client = new Client(platform.url, platform.credentials.api_key);
  }, 90_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
  });

  it('keeps the credentials of the first owner where only their user can read them', () => {
    expect(statSync(join(dataDir, 'credentials.json')).mode & 0o777).toBe(0o600);
    expect(platform.credentials).toMatchObject({ url: platform.url, email: expect.stringContaining('@') as string });
    expect(platform.output).toContain(platform.credentials.password);
  });

  it('creates, loads, watches and queries a graph, and finds it again after a restart', async () => {
    const graphId = await client.createGraph(PEOPLE);
    expect((await client.stage(graphId, 'Person', 'persons.csv', PERSONS)).status).toBe(200);
    expect((await client.stage(graphId, 'KNOWS', 'knows.csv', KNOWS)).status).toBe(200);

    const started = await client.expect<Started>(200, 'POST', `/v1/graphs/${graphId}/materialize`, {});
    const frames = await client.events(started);
    const stored = frames.filter((frame) => frame.id !== null);
    expect(stored.map((frame) => Number(frame.id))).toEqual(stored.map((_, index) => index + 1));
    expect(frames[0].event).toBe('connected');
    expect(stored.map((frame) => frame.event)).toEqual(
      expect.arrayContaining(['operation_started', 'operation_progress']),
    );
    expect(stored.at(-1)).toMatchObject({
      event: 'operation_completed',
      data: { result: { rows_loaded: 5, rows_rejected: 0 } },
    });
    expect(frames.at(-1)).toMatchObject({ event: 'stream_end', data: { status: 'completed' } });

    const friends = 'MATCH (a:Person {id: $id})-[k:KNOWS]->(b) RETURN b.name AS name, b.born AS born, k.since AS since';
    expect(await client.query(graphId, friends, { id: 2 })).toEqual([
      { name: 'Edsger', born: '1930-05-11', since: 1960 },
    ]);
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/info`)).toMatchObject({
      node_count: 3,
      relationship_count: 2,
    });
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/materialize`)).toMatchObject({ is_stale: false });

    expect(await platform.stop('SIGINT')).toBe(0);
    platform = await Platform.start(dataDir);
    client = new Client(platform.url, platform.credentials.api_key);
    expect(platform.credentials.url).toBe(platform.url);
    expect(await client.query(graphId, friends, { id: 1 })).toMatchObject([{ name: 'Grace' }]);

    await client.result(await client.expect<Started>(202, 'DELETE', `/v1/graphs/${graphId}`));
    expect((await client.request('GET', `/v1/graphs/${graphId}/info`)).status).toBe(404);
  }, 90_000);

  it('refuses a second platform on the same data', async () => {
    const second = Platform.launch(dataDir);
    await second.outputMatches(/Another Graphstead runs on/);
    expect(await new Promise((resolve) => second.process.once('exit', resolve))).toBe(1);
    expect((await fetch(new URL('/v1/status', platform.url))).status).toBe(200);
  });

  it('says what is wrong with settings, one line each', async () => {
    const broken = Platform.launch(dataDir, { PORT: 'eighty', LOG_LEVEL: 'loud', ROLES: 'api,cook' });
    await broken.outputMatches(/ROLES: [^\n]*\n/);
    expect(await new Promise((resolve) => broken.process.once('exit', resolve))).toBe(1);
    expect(broken.output).toMatch(/^ {2}PORT: "eighty" must be a whole number.*$/m);
    expect(broken.output).toMatch(/^ {2}LOG_LEVEL: "loud" must be one of/m);
  });
});
