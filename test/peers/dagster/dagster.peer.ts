import { setTimeout as delay } from 'node:timers/promises';
import { DagsterApi } from '../../../src/dagster/dagster-api';
import { DagsterConfig } from '../../../src/dagster/dagster.config';
import { DagsterModule } from '../../../src/dagster/dagster.module';
import { DagsterJob } from '../../../src/dagster/dagster.operations';
import { Client, type Started } from '../../support/client';
import { type TestDatabase, testDatabase } from '../../support/database';
import { OperationsWorld, TEST_ACTOR } from '../../support/operations-world';
import { PEOPLE, PERSONS } from '../../support/people';
import { Platform } from '../../support/platform';
import { freePort, RealDagster, Relay } from './real-dagster';

const LONG_MS = 180_000;

/** Against a Dagster that is started here. `test/peers/run.sh` installs it and says where by DAGSTER_VENV. */
describe('with a real Dagster', () => {
  let databases: TestDatabase[] = [];
  let dataDir: string;
  let removeData: () => Promise<void>;
  let settings: Record<string, string>;
  let platform: Platform;
  let dagster: RealDagster;
  let relay: Relay;
  let world: OperationsWorld;
  let client: Client;

  beforeAll(async () => {
    databases = await Promise.all([testDatabase(), testDatabase()]);
    const [dagsterPort, port] = [await freePort(), await freePort()];
    ({ dataDir, remove: removeData } = await Platform.newDataDir());
    relay = await Relay.to(`http://127.0.0.1:${dagsterPort}`);
    settings = { DATABASE_URL: databases[0].url, PORT: String(port), DAGSTER_URL: relay.url };
    platform = await Platform.start(dataDir, settings);
    const { url, api_key } = platform.credentials;
    client = new Client(url, api_key);
    dagster = await RealDagster.start(dagsterPort, { GRAPHSTEAD_URL: url, GRAPHSTEAD_API_KEY: api_key });
    world = await OperationsWorld.start(
      databases[1].url,
      { DAGSTER_URL: dagster.url, DAGSTER_POLL_SECONDS: '1' },
      { features: [DagsterModule], settings: [DagsterConfig], contracts: [], processors: [] },
    );
  }, LONG_MS + 60_000);
  afterAll(async () => {
    await world?.close();
    await platform?.stop();
    await relay?.close();
    await dagster?.end();
    await removeData?.();
    for (const database of databases) await database.drop();
  }, 60_000);

  async function begin(config: object): Promise<string> {
    const payload = { job: 'works', runConfig: { ops: { work: { config } } } };
    const of = { actor: TEST_ACTOR, orgId: null, graphId: null, payload };
    return (await world.tx.run((em) => world.operations.begin(em, DagsterJob, of))).id;
  }
  const statuses = async (operationId: string): Promise<string[]> =>
    (await world.app.get(DagsterApi).runsOf(operationId)).map(({ status }) => status);
  const atWork = (id: string): Promise<unknown> =>
    world.until(id, ({ progress }) => progress?.colour === 'blue', LONG_MS);

  it(
    'a run that succeeds, one that fails, and a job that is not there',
    async () => {
      const [good, bad] = [await begin({}), await begin({ fail_at: 2 })];
      expect(await world.ended(good, LONG_MS)).toMatchObject({
        status: 'completed',
        result: { job: 'works', colour: 'blue', done: 3, run_url: expect.stringContaining('/runs/') as string },
      });
      expect(await statuses(good)).toEqual(['SUCCESS']);
      expect(await world.ended(bad, LONG_MS)).toMatchObject({
        status: 'failed',
        error: { message: 'The Dagster run failed: step work: told to fail at step 2, see <path>' },
      });
      const wrong = await begin({ nonsense: 1 });
      expect(await world.ended(wrong, LONG_MS)).toMatchObject({ error: { code: 'dagster_config_invalid' } });
    },
    2 * LONG_MS,
  );

  it(
    'a run that is cancelled here stops there',
    async () => {
      const id = await begin({ steps: 10_000 });
      await atWork(id);
      await world.operations.cancel(TEST_ACTOR, id);
      expect((await world.ended(id, LONG_MS)).status).toBe('cancelled');
      expect(await statuses(id)).toEqual(['CANCELED']);
    },
    2 * LONG_MS,
  );

  it(
    'a webserver that goes and comes back while the run is at work',
    async () => {
      const id = await begin({ steps: 30, seconds: 0.4 });
      await atWork(id);
      await dagster.shut();
      await world.until(id, ({ progress }) => progress?.dagster_reachable === false, LONG_MS);
      await dagster.open();
      expect(await world.ended(id, LONG_MS)).toMatchObject({ status: 'completed', result: { done: 30 } });
    },
    3 * LONG_MS,
  );

  it(
    'a graph that is materialized by a job which calls back, its platform killed between the launch and the look',
    async () => {
      const graphId = await client.createGraph(PEOPLE);
      await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
      const launched = new Promise<void>((resolve) => {
        // The answer is kept for ever: the run is there, and the platform does not know of it.
        relay.onLaunched = () => {
          resolve();
          return new Promise(() => undefined);
        };
      });
      const path = `/v1/graphs/${graphId}/materialize?runner=dagster`;
      const started = await client.expect<Started>(200, 'POST', path, {});
      await launched;
      await platform.stop('SIGKILL');
      relay.onLaunched = () => Promise.resolve();
      platform = await Platform.start(dataDir, settings);
      const result = await client.result(started);
      expect(result).toMatchObject({ job: 'materialize_graph', called_back: expect.stringMatching(/^op_/) as string });
      expect(await client.query(graphId, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 3 }]);
      expect(await statuses(started.operation_id)).toEqual(['SUCCESS']);
      // What was made is an asset there.
      const until = Date.now() + LONG_MS;
      let assets = '';
      while (!assets.includes('graph_materialization') && Date.now() < until) {
        await delay(500);
        const query = '{assetsOrError {... on AssetConnection {nodes {key {path}}}}}';
        assets = await (await fetch(`${dagster.url}/graphql?query=${encodeURIComponent(query)}`)).text();
      }
      expect(assets).toContain('["graphstead","graph_materialization"]');
    },
    2 * LONG_MS,
  );
});
