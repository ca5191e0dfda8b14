import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';
import { BackupRetentionSensor } from './backup-retention.sensor';
import { BackupSchedulesSensor } from './backup-schedules.sensor';

type Body = Record<string, unknown>;
const LIMITS = { TIER_LIMITS: JSON.stringify({ '*': { backups_per_day: 3 } }) };

/** Two processes on one database, without a worker: the backups that are begun stay begun. */
describe('schedules of backups', () => {
  let database: TestDatabase;
  let apis: ApiApp[];
  let api: ApiApp;
  let user: ApiUser;
  let graph: string;

  beforeAll(async () => {
    database = await testDatabase();
    apis = [await ApiApp.start(database.url, LIMITS), await ApiApp.start(database.url, LIMITS)];
    [api] = apis;
    user = await api.user();
  }, 60_000);
  afterAll(async () => {
    for (const one of apis ?? []) await one.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    graph = await queriedGraph(api, user);
  }, 30_000);

  const at = (rest = '', of = graph) => `/v1/graphs/${of}/backup-schedules${rest}`;
  const call = async (status: number, route: string, body?: object, by = user): Promise<Body> => {
    const answer = await api.call(route, by, body);
    if (answer.statusCode !== status) throw new Error(`${route}: ${answer.statusCode}: ${answer.body}`);
    return answer.json<Body>();
  };
  const made = async (fields: object = {}): Promise<string> =>
    (await call(201, `POST ${at()}`, { name: 'nightly', cron: '0 3 * * *', ...fields })).schedule_id as string;
  const state = (id: string) => call(200, `GET ${at(`/${id}`)}`);
  const due = (id: string, ago = '1 minute') =>
    api.sql(`update backup_schedule set next_run_at = now() - $2::interval where id = $1`, [id, ago]);
  const look = () => Promise.all(apis.map((one) => one.get(BackupSchedulesSensor).look()));
  const backups = async () => (await call(200, `GET /v1/graphs/${graph}/backups`)).backups as Body[];
  /** As if a worker had made them. */
  const complete = () =>
    api.sql(`update backup set status = 'completed', completed_at = now(), verified_at = now() where graph_id = $1`, [
      graph,
    ]);

  it('are made, listed, changed, paused and removed, each with its audit row', async () => {
    const id = await made({ time_zone: 'Europe/Berlin', keep_count: 5 });
    const created = await state(id);
    expect(created).toMatchObject({ cron: '0 3 * * *', time_zone: 'Europe/Berlin', paused: false, last_run_at: null });
    expect(new Date(created.next_run_at as string).getTime()).toBeGreaterThan(Date.now());
    expect(await call(200, `GET ${at()}`)).toMatchObject({ schedules: [{ schedule_id: id }] });
    expect(await call(200, `PATCH ${at(`/${id}`)}`, { paused: true })).toMatchObject({
      paused: true,
      next_run_at: null,
      keep_count: 5,
    });
    expect(await call(200, `PATCH ${at(`/${id}`)}`, { keep_count: null })).toMatchObject({
      paused: true,
      keep_count: null,
    });
    expect((await call(200, `PATCH ${at(`/${id}`)}`, { paused: false })).next_run_at).not.toBeNull();
    await call(200, `DELETE ${at(`/${id}`)}`);
    await call(404, `GET ${at(`/${id}`)}`);
    const rows = await api.sql<{ action: string }>('select action from audit_event where target = $1 order by id', [
      id,
    ]);
    expect(rows.map(({ action }) => action.replace('backup_schedule.', ''))).toEqual([
      'created',
      'changed',
      'changed',
      'changed',
      'deleted',
    ]);
  });

  it.each([
    [{ cron: 'daily' }, 'five fields'],
    [{ cron: '0 0 30 2 *' }, 'mean a time'],
    [{ time_zone: 'Mars/Olympus' }, 'IANA'],
    [{ retention_days: 0 }, 'retention_days'],
    [{ keep_count: 0 }, 'keep_count'],
    [{ name: '' }, 'name'],
  ])('say what is wrong with %j', async (fields, words) => {
    const answer = await api.call(`POST ${at()}`, user, { name: 'n', cron: '0 3 * * *', ...fields });
    expect(answer.statusCode).toBe(422);
    expect(answer.body).toContain(words);
    const id = await made();
    expect((await api.call(`PATCH ${at(`/${id}`)}`, user, fields)).statusCode).toBe(422);
  });

  it('are limited in number, also when many are made at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => api.call(`POST ${at()}`, user, { name: `n${n}`, cron: '0 3 * * *' })),
    );
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([...Array<number>(10).fill(201), 409, 409]);
  });

  it('begin what is due once, however many processes look, and what was missed for days once as well', async () => {
    const id = await made({ cron: '* * * * *', retention_days: 2 });
    await look();
    expect(await backups()).toEqual([]);
    await due(id, '10 days');
    await Promise.all([look(), look(), look()]);
    const [backup, ...others] = await backups();
    expect(others).toEqual([]);
    expect(backup).toMatchObject({ kind: 'scheduled', status: 'in_progress', schedule_id: id, retention_days: 2 });
    const after = await state(id);
    expect(after).toMatchObject({ last_backup_id: backup.backup_id, last_error: null });
    expect(new Date(after.next_run_at as string).getTime()).toBeGreaterThan(Date.now());
    expect(await api.sql('select type, status from operation where id = $1', [backup.operation_id])).toEqual([
      { type: 'backup_creation', status: 'pending' },
    ]);
  });

  it('begin nothing while they are paused, or their last backup is at work, or the tier allows no more', async () => {
    const id = await made();
    await call(200, `PATCH ${at(`/${id}`)}`, { paused: true });
    await due(id);
    await look();
    expect(await backups()).toEqual([]);
    await call(200, `PATCH ${at(`/${id}`)}`, { paused: false });
    await due(id);
    await look();
    await due(id);
    await look();
    expect(await backups()).toHaveLength(1);
    expect(await state(id)).toMatchObject({ last_error: { code: 'scheduled_backup_at_work' } });
    for (let n = 0; n < 3; n += 1) {
      await complete();
      await due(id);
      await look();
    }
    expect(await backups()).toHaveLength(3);
    expect((await state(id)).last_error).toMatchObject({ code: 'daily_limit_reached' });
    expect(new Date((await state(id)).next_run_at as string).getTime()).toBeGreaterThan(Date.now());
  });

  it('keep as many backups as they say, and those of others stay', async () => {
    const id = await made({ keep_count: 1 });
    await call(202, `POST /v1/graphs/${graph}/backups`, {});
    await complete();
    for (let n = 0; n < 2; n += 1) {
      await due(id);
      await look();
      await complete();
    }
    await api.sql(`update operation set status = 'completed', ended_at = now() where graph_id = $1`, [graph]);
    const [newest, , manual] = await backups();
    await Promise.all(apis.map((one) => one.get(BackupRetentionSensor).look()));
    expect((await backups()).map(({ backup_id }) => backup_id)).toEqual([newest.backup_id, manual.backup_id]);
  });

  it('are those of the graph for those who may', async () => {
    const id = await made();
    const other = await queriedGraph(api, user);
    await call(404, `GET ${at(`/${id}`, other)}`);
    await call(404, `PATCH ${at(`/${id}`, other)}`, { paused: true });
    await call(404, `DELETE ${at(`/${id}`, other)}`);
    await call(404, `GET ${at('/nonsense')}`);
    const stranger = await api.user();
    await call(404, `GET ${at(`/${id}`)}`, undefined, stranger);
    await call(404, `POST ${at()}`, { name: 'n', cron: '0 3 * * *' }, stranger);
    const viewer = await api.user();
    await api.sql(`insert into org_member (org_id, user_id, role) values ($1, $2, 'member')`, [user.orgId, viewer.id]);
    await call(201, `POST /v1/graphs/${graph}/members`, { user_id: viewer.id, role: 'member' });
    await call(200, `GET ${at(`/${id}`)}`, undefined, viewer);
    await call(403, `POST ${at()}`, { name: 'n', cron: '0 3 * * *' }, viewer);
    await call(403, `DELETE ${at(`/${id}`)}`, undefined, viewer);
  });
});
