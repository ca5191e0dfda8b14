import { type TestDatabase, testDatabase } from '../../test/support/database';
import { OperationsWorld, TEST_ACTOR } from '../../test/support/operations-world';
import { event, logLine, ScriptedDagster, type ScriptedRun } from '../../test/support/scripted-dagster';
import { Ids } from '../common/ids';
import type { Operation } from '../operations/operation.entity';
import { AssetReportsSensor } from './asset-reports.sensor';
import { DagsterConfig } from './dagster.config';
import { DagsterModule } from './dagster.module';
import { DagsterJob } from './dagster.operations';
import { SettleRunsSensor } from './settle-runs.sensor';

describe('an operation that stands for a run in Dagster', () => {
  let database: TestDatabase;
  let dagster: ScriptedDagster;
  let world: OperationsWorld;

  async function restart(settings: Record<string, string> = {}): Promise<void> {
    await world?.close();
    world = await OperationsWorld.start(
      database.url,
      {
        DAGSTER_URL: dagster.url,
        DAGSTER_LINK_URL: 'https://dagster.example.org/',
        DAGSTER_POLL_SECONDS: '1',
        DAGSTER_LAUNCH_SECONDS: '10',
        DAGSTER_STOP_SECONDS: '20',
        DAGSTER_REPORT_TRIES: '2',
        SHUTDOWN_GRACE_SECONDS: '0',
        ...settings,
      },
      { features: [DagsterModule], settings: [DagsterConfig], contracts: [], processors: [] },
    );
  }

  beforeAll(async () => {
    database = await testDatabase();
    dagster = await ScriptedDagster.start();
  }, 60_000);
  beforeEach(async () => {
    dagster.reset();
    await restart();
  });
  afterAll(async () => {
    await world?.close();
    await dagster?.close();
    await database?.drop();
  });

  const begin = (): Promise<Operation> =>
    world.tx.run((em) =>
      world.operations.begin(em, DagsterJob, {
        actor: TEST_ACTOR,
        orgId: null,
        graphId: null,
        payload: { job: 'works', runConfig: { ops: {} } },
      }),
    );
  /** Resolves with the run of the next launch. */
  const launched = (then: (run: ScriptedRun) => ReturnType<typeof dagster.onLaunch> = () => 'answered') =>
    new Promise<ScriptedRun>((resolve) => {
      dagster.onLaunch = (run) => {
        resolve(run);
        return then(run);
      };
    });
  const watching = (id: string, message: string): Promise<Operation> =>
    world.until(id, ({ progress }) => progress?.message === message);

  it('launches it with its tag, tells what it says, and succeeds with it', async () => {
    const run = launched();
    const { id } = await begin();
    const { runId, tags, job, events } = await run;
    expect(tags).toContainEqual({ key: 'graphstead/operation_id', value: id });
    expect(job).toBe('works');
    const running = await watching(id, 'The Dagster run is running');
    expect(running.progress).toMatchObject({ run_id: runId, run_url: `https://dagster.example.org/runs/${runId}` });
    events.push(event('ExecutionStepStartEvent'), logLine('PROGRESS {"done": 1, "total": 2, "rows": 7}'));
    await world.until(id, ({ progress }) => progress?.percent === 50);
    (await run).status = 'MANAGED';
    expect((await watching(id, 'The Dagster run says that it is MANAGED')).status).toBe('running');
    (await run).status = 'SUCCESS';
    expect(await world.ended(id)).toMatchObject({
      status: 'completed',
      result: { run_id: runId, job: 'works', rows: 7 },
    });
    expect(dagster.launches).toBe(1);
  });

  it('fails with what the step failed with', async () => {
    const run = launched((one) => {
      const cause = { message: 'ValueError: no rows in /srv/data/in.csv\n', className: 'ValueError', stack: [] };
      const error = { message: 'x', className: 'DagsterExecutionStepExecutionError', stack: ['/srv/a.py'], cause };
      one.events.push(event('ExecutionStepFailureEvent', 'failed', { error }));
      one.status = 'FAILURE';
      return 'answered';
    });
    const { id } = await begin();
    const { runId } = await run;
    const ended = await world.ended(id);
    expect(ended).toMatchObject({
      status: 'failed',
      error: {
        code: 'dagster_run_failed',
        message: 'The Dagster run failed: step step: no rows in <path>',
        details: { run_id: runId, step: 'step', error_class: 'ValueError' },
      },
    });
    expect(JSON.stringify(await world.events(id))).not.toContain('/srv');
  });

  it('fails at once where there is no such job', async () => {
    dagster.launchRefusal = { __typename: 'PipelineNotFoundError', message: 'no' };
    expect(await world.ended((await begin()).id)).toMatchObject({
      status: 'failed',
      error: { code: 'dagster_job_not_found' },
    });
  });

  it('is cancelled when its run is cancelled in Dagster', async () => {
    const run = launched();
    const { id } = await begin();
    (await run).status = 'CANCELED';
    expect(await world.ended(id)).toMatchObject({
      status: 'cancelled',
      cancelReason: 'Its run was cancelled in Dagster',
    });
  });

  it('terminates its run when it is cancelled, and waits for that', async () => {
    const run = launched();
    const { id } = await begin();
    await watching(id, 'The Dagster run is running');
    let stopped = false;
    dagster.onTerminate = (one) => {
      one.status = 'CANCELING';
      setTimeout(() => {
        stopped = true;
        one.status = 'CANCELED';
      }, 300);
    };
    await world.operations.cancel(TEST_ACTOR, id);
    expect(await world.ended(id)).toMatchObject({ status: 'cancelled' });
    expect(stopped).toBe(true);
    expect((await run).asked).toEqual(['SAFE_TERMINATE']);
  });

  it('says that work may go on where the run does not stop', async () => {
    await restart({ DAGSTER_STOP_SECONDS: '1' });
    const run = launched();
    const { id } = await begin();
    await watching(id, 'The Dagster run is running');
    dagster.onTerminate = (one, policy) => (one.status = policy === 'SAFE_TERMINATE' ? 'CANCELING' : 'CANCELED');
    await world.operations.cancel(TEST_ACTOR, id);
    const { status, cancelReason } = await world.ended(id);
    expect([status, cancelReason]).toEqual(['cancelled', expect.stringContaining('its work may go on')]);
    expect((await run).asked).toEqual(['SAFE_TERMINATE', 'MARK_AS_CANCELED_IMMEDIATELY']);
    expect((await world.events(id)).at(-1)!.data.reason).toContain('its work may go on');
  });

  it('takes the run of a launch whose answer was lost', async () => {
    const run = launched(() => 'lost');
    const { id } = await begin();
    (await run).status = 'SUCCESS';
    expect(await world.ended(id)).toMatchObject({ status: 'completed', result: { run_id: (await run).runId } });
    expect(dagster.launches).toBe(1);
  });

  it('launches again where no run of a lost launch turns up', async () => {
    await restart({ DAGSTER_LAUNCH_SECONDS: '1' });
    let first = true;
    dagster.onLaunch = (run) => {
      run.status = 'SUCCESS';
      const fate = first ? 'dropped' : 'answered';
      first = false;
      return fate;
    };
    const { id } = await begin();
    expect(await world.ended(id)).toMatchObject({ status: 'completed' });
    expect([dagster.launches, dagster.runsOf(id)]).toEqual([2, [expect.anything()]]);
  });

  it('keeps one run where a second one turns up, and terminates that', async () => {
    const run = launched();
    const { id } = await begin();
    await watching(id, 'The Dagster run is running');
    const second: ScriptedRun = { ...(await run), runId: 'second', events: [], asked: [] };
    const ended = new Promise<string>((resolve) => {
      dagster.onTerminate = (one) => {
        one.status = 'CANCELED';
        resolve(one.runId);
      };
    });
    dagster.runs.push(second);
    expect(await ended).toBe('second');
    (await run).status = 'SUCCESS';
    expect(await world.ended(id)).toMatchObject({ status: 'completed', result: { run_id: (await run).runId } });
  });

  it('waits while Dagster is not there, says so, and goes on', async () => {
    const run = launched();
    const { id } = await begin();
    await watching(id, 'The Dagster run is running');
    dagster.down = true;
    const { progress, status } = await world.until(id, (now) => now.progress?.dagster_reachable === false);
    expect([status, progress?.message]).toEqual(['running', expect.stringContaining('does not answer')]);
    (await run).status = 'SUCCESS';
    dagster.down = false;
    expect((await world.ended(id)).status).toBe('completed');
  });

  it.each([
    ['a page of a proxy', () => (dagster.page = { status: 500, text: '<html>Starting</html>' }), /is not its API/],
    ['no permission to look', () => (dagster.page = { status: 403, text: 'no' }), /does not let this platform/],
  ])('waits out %s also while it looks for the run of a launch', async (_, fault, said) => {
    const run = launched(() => 'lost');
    const { id } = await begin();
    await run;
    fault();
    const { progress, status } = await world.until(id, (now) => said.test(now.progress?.message ?? ''));
    expect([status, progress?.dagster_reachable]).toEqual(['running', false]);
    dagster.page = undefined;
    (await run).status = 'SUCCESS';
    expect(await world.ended(id)).toMatchObject({ status: 'completed', result: { run_id: (await run).runId } });
    expect(dagster.launches).toBe(1);
  });

  it('waits for a webserver that answers a launch with a page, and launches once', async () => {
    await restart({ DAGSTER_LAUNCH_SECONDS: '1' });
    dagster.page = { status: 500, text: '<html>Starting</html>' };
    const run = launched();
    const { id } = await begin();
    await world.until(id, ({ progress }) => progress?.dagster_reachable === false);
    dagster.page = undefined;
    (await run).status = 'SUCCESS';
    expect((await world.ended(id)).status).toBe('completed');
    expect(dagster.launches).toBe(1);
  });

  it('fails at once where Dagster answers that it cannot launch', async () => {
    dagster.launchRefusal = { __typename: 'PythonError', message: 'no', className: 'Error', stack: [] };
    expect(await world.ended((await begin()).id)).toMatchObject({
      status: 'failed',
      error: { code: 'dagster_failed' },
    });
    dagster.page = { status: 401, text: 'no' };
    const refused = await world.ended((await begin()).id);
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'dagster_unauthorized' } });
  });

  it('is cancelled in time, and says so, where Dagster takes requests and never answers', async () => {
    await restart({ DAGSTER_STOP_SECONDS: '1', DAGSTER_REQUEST_SECONDS: '1' });
    const run = launched();
    const { id } = await begin();
    await watching(id, 'The Dagster run is running');
    dagster.hangs = true;
    await world.operations.cancel(TEST_ACTOR, id);
    expect(await world.ended(id)).toMatchObject({
      status: 'cancelled',
      cancelReason: expect.stringContaining('Dagster did not answer: its run may go on until it does') as string,
    });
    expect((await run).status).toBe('STARTED');
  });

  it('goes on with the same run where its worker stops, from the event that was read last', async () => {
    const run = launched();
    const { id } = await begin();
    (await run).events.push(logLine('PROGRESS {"done": 1, "total": 4, "part": "one"}'));
    await world.until(id, ({ progress }) => progress?.percent === 25);
    await restart();
    (await run).events.push(logLine('PROGRESS {"done": 2, "total": 4, "part": "two"}'));
    expect((await world.until(id, ({ progress }) => progress?.percent === 50)).attempt).toBe(2);
    (await run).status = 'SUCCESS';
    expect(await world.ended(id)).toMatchObject({ status: 'completed', result: { part: 'two' } });
    expect(dagster.launches).toBe(1);
    const told = (await world.events(id)).filter(({ data }) => data.message === 'The Dagster run has done 1 of 4');
    expect(told).toHaveLength(1);
  });

  it('takes up the run where its worker stops between the launch and the note of it', async () => {
    const run = launched(() => 'held');
    const { id } = await begin();
    await run;
    await restart();
    await watching(id, 'The Dagster run is running');
    (await run).status = 'SUCCESS';
    expect(await world.ended(id)).toMatchObject({ status: 'completed', result: { run_id: (await run).runId } });
    expect(dagster.launches).toBe(1);
  });

  it('fails when its time is over, and its run with it', async () => {
    // So much that a busy machine has launched it by then.
    await restart({ DAGSTER_RUN_SECONDS: '6' });
    const run = launched();
    const { id } = await begin();
    expect(await world.ended(id)).toMatchObject({ status: 'failed', error: { code: 'dagster_run_timeout' } });
    expect(await run).toMatchObject({ status: 'CANCELED', asked: ['SAFE_TERMINATE'] });
    expect(dagster.launches).toBe(1);
  });

  it('ends its run also where no worker has it when it is cancelled', async () => {
    await restart({ ROLES: 'api' });
    const { id } = await begin();
    const run: ScriptedRun = {
      runId: 'left',
      status: 'STARTED',
      creationTime: 1,
      job: 'works',
      runConfig: {},
      tags: [{ key: 'graphstead/operation_id', value: id }],
      events: [],
      asked: [],
    };
    dagster.runs.push(run);
    dagster.onTerminate = (one, policy) => {
      if (policy !== 'SAFE_TERMINATE') one.status = 'CANCELED';
    };
    await world.query(
      `insert into dagster_run (operation_id, job, launch_begun_at) values ($1, 'works', now() - interval '1 hour')`,
      [id],
    );
    expect((await world.operations.cancel(TEST_ACTOR, id)).status).toBe('cancelled');
    const settled = async (): Promise<boolean> => {
      await world.app.get(SettleRunsSensor).look();
      const [row] = await world.query('select settled_at from dagster_run where operation_id = $1', [id]);
      return row.settled_at !== null;
    };
    expect([await settled(), run.asked]).toEqual([false, ['SAFE_TERMINATE']]);
    await world.query(`update dagster_run set stop_asked_at = now() - interval '1 hour' where operation_id = $1`, [id]);
    expect([await settled(), run.status]).toEqual([false, 'CANCELED']);
    expect(await settled()).toBe(true);
  });

  describe('what was done here', () => {
    const completed = async (type: string, result: object): Promise<string> => {
      const id = new Ids().operation();
      await world.query(
        `insert into operation (id, type, status, graph_id, payload, result, max_attempts, ended_at)
         values ($1, $2, 'completed', 'kg1', '{}', $3, 1, now())`,
        [id, type, JSON.stringify(result)],
      );
      return id;
    };
    const look = (): Promise<void> => world.app.get(AssetReportsSensor).look();
    const due = (id: string): Promise<unknown> =>
      world.query('update dagster_report set next_try_at = now() where operation_id = $1', [id]);

    beforeEach(async () => {
      await restart({ ROLES: 'api' });
      await world.query(`delete from dagster_report`);
      await world.query(`delete from operation where status = 'completed'`);
    });

    it('is reported as an asset, once, and not where nothing was made', async () => {
      const id = await completed('graph_creation', { graph_id: 'kg1', nodes: 3, tables: [1] });
      await completed('graph_materialization', { skipped: true });
      await completed('query_execution', {});
      await look();
      await look();
      expect(dagster.reports).toEqual([
        {
          path: '/report_asset_materialization/graphstead/graph_creation',
          body: expect.objectContaining({ metadata: { graph_id: 'kg1', nodes: 3, operation_id: id } }) as object,
        },
      ]);
      expect(world.app.get(AssetReportsSensor)).toMatchObject({ delivered: 1, dropped: 0 });
    });

    it('is reported under the name of its type, with what is short of its result', async () => {
      const types = [
        'graph_materialization',
        'graph_provisioning',
        'graph_tier_change',
        'subgraph_creation',
        'subgraph_fork',
      ];
      const ids = new Map<string, string>();
      for (const type of types) ids.set(type, await completed(type, { rows: 3, words: 'x'.repeat(600), list: [] }));
      await look();
      expect(dagster.reports.toSorted((a, b) => a.path.localeCompare(b.path))).toEqual(
        types.map((type) => ({
          path: `/report_asset_materialization/graphstead/${type}`,
          body: {
            metadata: { graph_id: 'kg1', rows: 3, operation_id: ids.get(type) },
            data_version: ids.get(type),
            description: `${type} of kg1 in Graphstead`,
          },
        })),
      );
    });

    it.each([
      ['is not there', () => (dagster.down = true)],
      ['never answers', () => (dagster.hangs = true)],
    ])('waits for its time where Dagster %s, and the operation stays as it ended', async (_, fault) => {
      await restart({ ROLES: 'api', DAGSTER_REPORT_SECONDS: '1' });
      fault();
      const id = await completed('graph_creation', {});
      await completed('graph_creation', {});
      await look();
      // One try in a look: the second has no better luck.
      const tried = await world.query('select tries from dagster_report');
      expect(tried).toEqual([{ tries: 1 }]);
      expect((await world.query('select status, error from operation where id = $1', [id]))[0]).toEqual({
        status: 'completed',
        error: null,
      });
      dagster.reset();
      await world.query('update dagster_report set next_try_at = now()');
      await look();
      expect(dagster.reports).toHaveLength(2);
    });

    it('is dropped and counted after as many tries as the settings allow', async () => {
      dagster.reportStatus = 500;
      const id = await completed('subgraph_creation', {});
      await look();
      // Not before its time.
      await look();
      expect(dagster.reports).toHaveLength(1);
      await due(id);
      await look();
      await due(id);
      await look();
      expect(dagster.reports).toHaveLength(2);
      expect(world.app.get(AssetReportsSensor)).toMatchObject({ delivered: 0, dropped: 1 });
    });

    it('is not reported where the settings do not want it', async () => {
      await restart({ ROLES: 'api', DAGSTER_REPORTS: 'false' });
      await completed('graph_creation', {});
      await look();
      expect(dagster.reports).toEqual([]);
      await world.query(`delete from operation where type = 'graph_creation'`);
    });
  });
});
