import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { PEOPLE } from '../../test/support/people';
import { loadConfig } from '../config/load-config';
import type { OperationsService } from '../operations/operations.service';
import { DagsterJobsService } from './dagster-jobs.service';
import { DagsterConfig } from './dagster.config';

/** Without a worker: what is begun stays as it was begun. */
describe('materializing by a job in Dagster', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;

  async function start(settings: Record<string, string> = {}): Promise<void> {
    await api?.stop();
    api = await ApiApp.start(database.url, settings);
    user = await api.user();
  }
  beforeAll(async () => {
    database = await testDatabase();
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  async function graph(): Promise<string> {
    const made = await api.call('POST /v1/graphs', user, { metadata: { graph_name: 'g' }, custom_schema: PEOPLE });
    const graphId = made.json<{ graph_id: string }>().graph_id;
    await api.sql(`update graph set status = 'active' where id = $1`, [graphId]);
    await api.sql('delete from operation_lock');
    return graphId;
  }
  const materialize = async (graphId: string, runner?: string): Promise<Record<string, unknown>> => {
    const query = runner === undefined ? '' : `?runner=${runner}`;
    const answer = await api.call(`POST /v1/graphs/${graphId}/materialize${query}`, user, { mode: 'rebuild' });
    return { http: answer.statusCode, ...answer.json<Record<string, unknown>>() };
  };

  it('is refused in words where the platform has none', async () => {
    await start();
    const graphId = await graph();
    expect(await materialize(graphId, 'dagster')).toMatchObject({ http: 501, code: 'dagster_not_configured' });
    expect(await materialize(graphId, 'elsewhere')).toMatchObject({ http: 422 });
    expect(await materialize(graphId)).toMatchObject({ http: 200, operation_type: 'graph_materialization' });
  });

  it('leaves the lock of the graph to what the job calls back for, and is begun once at a time', async () => {
    await start({ DAGSTER_URL: 'http://127.0.0.1:9', DAGSTER_RUNS: 'graph_materialization' });
    const graphId = await graph();
    const begun = await materialize(graphId);
    expect(begun).toMatchObject({ http: 200, operation_type: 'dagster_job', graph_id: graphId });
    const [{ payload }] = await api.sql('select payload from operation where id = $1', [begun.operation_id]);
    const options = { force: false, ignore_errors: true, mode: 'rebuild' };
    const config = { graph_id: graphId, options };
    expect(payload).toEqual({ job: 'materialize_graph', runConfig: { resources: { graphstead: { config } } } });
    expect(await materialize(graphId, 'dagster')).toMatchObject({ http: 409, code: 'operation_in_progress' });
    // As the job says it.
    expect(await materialize(graphId, 'graphstead')).toMatchObject({
      http: 200,
      operation_type: 'graph_materialization',
    });
  });

  it('is refused where no job is named for it', async () => {
    await start({ DAGSTER_URL: 'http://127.0.0.1:9' });
    jest.spyOn(api.get(DagsterConfig), 'jobFor').mockReturnValue(undefined);
    expect(await materialize(await graph(), 'dagster')).toMatchObject({ http: 409, code: 'no_dagster_job' });
  });

  it.each([
    { DAGSTER_URL: 'http://127.0.0.1:9', DAGSTER_RUNS: 'backup_creation' },
    { DAGSTER_RUNS: 'graph_materialization' },
    { DAGSTER_JOBS: 'backup_creation=back_up', DAGSTER_RUNS: 'backup_creation', DAGSTER_URL: 'http://127.0.0.1:9' },
    { DAGSTER_URL: 'http://127.0.0.1:9', DAGSTER_LAUNCH_SECONDS: '60' },
  ])('%j stops the start, and says why', (settings) => {
    const service = new DagsterJobsService({} as OperationsService, loadConfig(DagsterConfig, settings));
    expect(() => service.onModuleInit()).toThrow(/DAGSTER_(RUNS|JOBS|REQUEST_SECONDS): /);
  });

  it('takes headers and pairs that are what they should be, and shows no header that is not', () => {
    const load = (env: Record<string, string>): DagsterConfig => loadConfig(DagsterConfig, env);
    expect(load({ DAGSTER_HEADERS: '{"Authorization": "Bearer x"}' }).headers).toEqual({ Authorization: 'Bearer x' });
    expect(load({ DAGSTER_JOBS: 'a=b,c=d' }).jobFor('c')).toBe('d');
    expect(() => load({ DAGSTER_HEADERS: 'Bearer hush' })).toThrow(/^(?!.*hush)[^]*JSON/);
    expect(() => load({ DAGSTER_JOBS: 'a' })).toThrow(/pairs/);
    expect(() => load({ DAGSTER_URL: 'http://user:hush@dagster:3000' })).toThrow(/^(?!.*hush)[^]*DAGSTER_HEADERS/);
  });
});
