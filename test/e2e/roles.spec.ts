import { Client, type Started } from '../support/client';
import { type TestDatabase, testDatabase } from '../support/database';
import { PEOPLE } from '../support/people';
import { manyFriendships, manyPersons } from '../support/people-rows';
import { Platform } from '../support/platform';

/** The API in one process, workers in others: all that they share is the database and the data directory. */
describe('a platform of several processes', () => {
  let database: TestDatabase;
  let dataDir: string;
  let remove: () => Promise<void>;
  let api: Platform;
  let client: Client;
  const workers: Platform[] = [];

  beforeAll(async () => {
    database = await testDatabase();
    ({ dataDir, remove } = await Platform.newDataDir());
    api = await Platform.start(dataDir, { DATABASE_URL: database.url, ROLES: 'api,sensors,engine' });
    client = new Client(api.url, api.credentials.api_key);
  }, 90_000);
  afterAll(async () => {
    await Promise.all([api, ...workers].map((process) => process.stop()));
    await remove();
    await database.drop();
  });

  async function startWorker(settings: Record<string, string> = {}): Promise<Platform> {
    const worker = await Platform.start(dataDir, { DATABASE_URL: database.url, ROLES: 'worker', ...settings });
    workers.push(worker);
    return worker;
  }

  it('lets work wait for a worker, and another worker finish what a killed one began', async () => {
    const creation = await client.expect<Started>(202, 'POST', '/v1/graphs', {
      metadata: { graph_name: 'roles' },
      custom_schema: PEOPLE,
    });
    expect(await client.expect(200, 'GET', creation._links.status)).toMatchObject({ status: 'pending' });
    const creator = await startWorker({ WORKER_OPERATIONS: 'graph_creation' });
    expect(creator.output).toContain('This worker takes graph_creation\n');
    await client.result(creation);
    const first = await startWorker();
    expect(first.output).toContain('This worker takes every operation\n');

    const [persons, friendships] = [manyPersons(), manyFriendships()];
    await client.stage(creation.graph_id, 'Person', 'persons.csv', persons.csv);
    await client.stage(creation.graph_id, 'KNOWS', 'knows.csv', friendships.csv);
    const started = await client.expect<Started>(200, 'POST', `/v1/graphs/${creation.graph_id}/materialize`, {});
    await client.untilEvent(started, 'Loading KNOWS');
    await first.stop('SIGKILL');
    await startWorker();

    expect(await client.result(started)).toMatchObject({ rows_loaded: persons.rows + friendships.rows });
    expect(await client.expect(200, 'GET', started._links.status)).toMatchObject({ status: 'completed', attempt: 2 });
    const count = await client.query(creation.graph_id, 'MATCH ()-[k:KNOWS]->() RETURN count(*) AS n');
    expect(count).toEqual([{ n: friendships.rows }]);
  }, 120_000);

  it('refuses to start a worker of operations that are not there', async () => {
    const wrong = { DATABASE_URL: database.url, ROLES: 'worker', WORKER_OPERATIONS: 'graph_creation,graph_painting' };
    const broken = Platform.launch(dataDir, wrong);
    const exited = new Promise((resolve) => broken.process.once('exit', resolve));
    await broken.outputMatches(
      /WORKER_OPERATIONS: no operation type is called "graph_painting"\. Take from graph_creat/,
    );
    expect(await exited).toBe(1);
  });

  it('says that the API needs the engine beside it', async () => {
    const broken = Platform.launch(dataDir, { DATABASE_URL: database.url, ROLES: 'api,worker' });
    await broken.outputMatches(/ROLES: "api" needs "engine"[^\n]*\n/);
    expect(await new Promise((resolve) => broken.process.once('exit', resolve))).toBe(1);
  });
});
