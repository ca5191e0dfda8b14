import { OperationTypes } from '../../src/operations/operation-types';
import { ApiApp } from '../support/api-app';
import { Client, type Started } from '../support/client';
import { type TestDatabase, testDatabase, withDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { KNOWS, PEOPLE, PERSONS } from '../support/people';
import { Platform } from '../support/platform';
import { ScriptedDagster } from '../support/scripted-dagster';
import { EVERY_OPERATION, VARIANTS } from './every-operation';
import { KillableWorkers, type KillPoint } from './killable-workers';
import { flawsOf, processesIn, strayFiles, unfinishedIn } from './leftovers';
import { chaos, LONG } from './seed';

const SCENARIOS = { ...EVERY_OPERATION, ...VARIANTS };
/** In the short form, so many steps of each type are tried; in the long form all of them. */
const STEPS = 1;
/** So many more are tried where those are not met. */
const TRIED = 6;
const MOMENTS = LONG ? 30 : 1;
/** One that dies with an operation that it has not claimed yet leaves it to the queue to notice, which takes a minute. */
const END_MS = 150_000;

describe('a worker that is killed', () => {
  let database: TestDatabase;
  let dagster: ScriptedDagster;
  let dataDir: string;
  let remove: () => Promise<void>;
  let api: Platform;
  let client: Client;
  let workers: KillableWorkers;

  const settings = (): Record<string, string> => ({
    DATABASE_URL: database.url,
    LEASE_SECONDS: '2',
    LEASE_RENEW_SECONDS: '1',
    REAPER_SECONDS: '1',
    SWEEPER_SECONDS: '1',
    // The long form makes a graph for each kill.
    GRAPHS_PER_ORG: '100000',
    TIER_LIMITS: JSON.stringify({ '*': { slots: 100_000 } }),
    RESEND_SECONDS: '1',
    GENERATION_COLLECT_SECONDS: '1',
    GENERATION_KEEP_HOURS: '0',
    QUERY_RESULT_SWEEP_SECONDS: '1',
    BACKUP_SWEEP_SECONDS: '1',
    DAGSTER_URL: dagster.url,
    DAGSTER_LAUNCH_SECONDS: '2',
    DAGSTER_SETTLE_SECONDS: '1',
  });

  beforeAll(async () => {
    dagster = await ScriptedDagster.start();
    // Whatever happens to those who watch it, the run is over soon.
    dagster.onLaunch = (run) => {
      setTimeout(() => (run.status = 'SUCCESS'), 500);
      return 'answered';
    };
    database = await testDatabase();
    ({ dataDir, remove } = await Platform.newDataDir());
    api = await Platform.start(dataDir, { ...settings(), ROLES: 'api,sensors,engine' });
    client = new Client(api.url, api.credentials.api_key);
    workers = await KillableWorkers.start(dataDir, settings());
  }, 120_000);

  afterAll(async () => {
    await workers?.stop();
    await api?.stop();
    await remove?.();
    await database?.drop();
    await dagster?.close();
  });

  it('is tried with every type of operation that there is', async () => {
    const app = await ApiApp.start(database.url);
    const types = app.get(OperationTypes).all();
    await app.stop();
    // A new type belongs into `every-operation.ts`: how a test begins one, and what must be so at its end.
    expect(Object.keys(EVERY_OPERATION).sort()).toEqual(types.map(({ name }) => name).sort());
  });

  for (const type of Object.keys(SCENARIOS)) {
    chaos(
      `at any step of ${type} leaves it to another, which ends it right`,
      async (chance) => {
        const { steps, ms } = await trace(type);
        const atSteps = steps.flatMap((step): KillPoint[] => [
          { step, verdict: 'kill_before' },
          { step, verdict: 'kill_after' },
        ]);
        const moments = Array.from({ length: MOMENTS }, (): KillPoint => ({ afterMs: chance.between(0, ms / 2) }));
        // The first one is to die before it has claimed anything: a minute's wait that the short form does without.
        const points = [...moments, ...(LONG ? atSteps : chance.sample(atSteps.slice(1), TRIED))];
        // Progress and renewals come when they come, and some runs are over sooner; all else is met.
        const wanted = LONG ? points.length / 2 : STEPS;
        let met = 0;
        for (const [tried, point] of points.entries()) {
          if (!LONG && met >= wanted && tried >= MOMENTS + STEPS) break;
          if (await killAt(type, point)) met += 1;
        }
        expect(met).toBeGreaterThanOrEqual(wanted);
        await expectNothingLeft();
      },
      LONG ? 3_600_000 : 400_000,
    );
  }

  const PUBLISHES = 'update graph set live_generation';

  it('before it publishes an incremental load has another load each file once', async () => {
    const started = await killedAt({ statement: 'update generation', since: PUBLISHES, verdict: 'kill_before' });
    expect(await attemptsOf(started)).toBe(2);
    await expectNothingLeft();
  }, 400_000);

  it('between publishing an incremental load and its end has nothing done again', async () => {
    // The commit of another transaction may come first; then nothing was published yet, and it is tried again.
    const point: KillPoint = { statement: 'COMMIT', since: 'select pg_notify', verdict: 'kill_after' };
    while ((await attemptsOf(await killedAt(point))) !== 1);
    await expectNothingLeft();
  }, 400_000);

  it('after it noted which run in Dagster is its own has another follow that run', async () => {
    const [statement, since] = ['update dagster_run set run_id', 'update dagster_run set launch_begun_at'];
    expect(await killAt('dagster_job', { statement, since, verdict: 'kill_after' })).toBe(true);
    await expectNothingLeft();
  }, 400_000);

  it('with a part that it has not published, and then cancelled, leaves no part', async () => {
    const { steps } = await trace('file_stage');
    const publish = steps.find((step) => step.startsWith('UPDATE "staged_file"'))!;
    let status = '';
    // Another worker may have gone on before the cancel came; then it is tried again.
    while (status !== 'cancelled') {
      const prepared = await EVERY_OPERATION.file_stage(client);
      const kill = workers.arm({ step: publish, verdict: 'kill_before' });
      const { operation_id, _links } = await prepared.begin();
      await eventually(
        'the worker is dead',
        () => kill.done,
        (done) => done,
      );
      await client.request('DELETE', `/v1/operations/${operation_id}`);
      await workers.disarm();
      ({ status } = await eventually(
        'the operation has ended',
        () => client.expect<{ status: string }>(200, 'GET', _links.status),
        (operation) => !['pending', 'running'].includes(operation.status),
        END_MS,
      ));
    }
    // The part is there, or there is nothing to remove and this shows nothing.
    const part = expect.stringMatching(/part-op_\w+-1\.parquet$/) as string;
    expect(await strayFiles(dataDir, database.url)).toEqual(expect.arrayContaining([part]));
    await expectNothingLeft();
  }, 300_000);

  /** Runs one without harm; its steps are where others are killed. */
  async function trace(type: string): Promise<{ steps: string[]; ms: number }> {
    const prepared = await SCENARIOS[type](client);
    const steps = workers.listen();
    const began = Date.now();
    await client.result(await prepared.begin());
    const ms = Date.now() - began;
    await workers.disarm();
    await prepared.check();
    return { steps: [...steps], ms };
  }

  /** False where the operation ended without meeting the point. */
  async function killAt(type: string, point: KillPoint): Promise<boolean> {
    const prepared = await SCENARIOS[type](client);
    const kill = workers.arm(point);
    try {
      const started = await prepared.begin();
      await ended(started);
      expect(await flawsOf(database.url, started.operation_id)).toEqual([]);
      await prepared.check();
      expect(dagster.runsOf(started.operation_id).length).toBeLessThanOrEqual(1);
    } catch (error) {
      throw new Error(`Killed at ${JSON.stringify(point)}: ${(error as Error).message}`, { cause: error });
    } finally {
      await workers.disarm();
    }
    return kill.done;
  }

  /** Loads a relationship more into a graph that has some, and has the worker killed there. */
  async function killedAt(point: KillPoint): Promise<Started> {
    const graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    await client.stage(graphId, 'KNOWS', 'knows.csv', KNOWS);
    await client.materialize(graphId);
    await client.stage(graphId, 'KNOWS', 'more.csv', 'from,to,since\n3,1,1990\n');
    const materialize = `/v1/graphs/${graphId}/materialize`;
    const kill = workers.arm(point);
    const started = await client.expect<Started>(200, 'POST', materialize, { mode: 'incremental' });
    await ended(started);
    await workers.disarm();
    expect(kill.done).toBe(true);
    expect(await flawsOf(database.url, started.operation_id)).toEqual([]);
    expect(await client.query(graphId, 'MATCH ()-[k:KNOWS]->() RETURN count(*) AS n')).toEqual([{ n: 3 }]);
    expect(await client.expect(200, 'GET', `/v1/graphs/${graphId}/materializations`)).toMatchObject({ total: 2 });
    expect(await client.materialize(graphId)).toMatchObject({ skipped: true });
    return started;
  }

  async function attemptsOf({ operation_id: id }: Started): Promise<number> {
    const [{ attempt }] = await withDatabase(database.url, (query) =>
      query<{ attempt: number }>('select attempt from operation where id = $1', [id]),
    );
    return attempt;
  }

  async function ended({ _links }: Started): Promise<void> {
    const last = await eventually(
      'the operation has ended',
      () => client.expect<{ status: string }>(200, 'GET', _links.status),
      ({ status }) => !['pending', 'running'].includes(status),
      END_MS,
    );
    expect(last).toMatchObject({ status: 'completed' });
  }

  async function expectNothingLeft(): Promise<void> {
    await eventually(
      'nothing is half done in the database',
      () => unfinishedIn(database.url),
      (rows) => rows.length === 0,
    );
    // These look at once when they start; those of the API may do so in a minute.
    const sensors = await Platform.start(dataDir, { ...settings(), ROLES: 'sensors' });
    try {
      await eventually(
        'no file is there that nobody needs',
        () => strayFiles(dataDir, database.url),
        (files) => files.length === 0,
      );
    } finally {
      await sensors.stop();
    }
  }

  it('leaves no process behind', async () => {
    await workers.stop();
    await api.stop();
    await eventually(
      'the children have ended with their parents',
      () => processesIn(dataDir, []),
      (lines) => lines.length === 0,
    );
  }, 60_000);
});
