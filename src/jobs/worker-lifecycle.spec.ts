import { Client } from 'pg';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import {
  HastyWorkProcessor,
  OperationsWorld,
  Script,
  TestWorkProcessor,
  untilAborted,
} from '../../test/support/operations-world';
import { emptyQueue } from '../../test/support/queue-profile';
import { HandlesOperation } from './handles-operation';
import { OperationProcessor } from './operation-processor';
import { TestWork } from '../../test/support/operations-world';
import { Injectable } from '@nestjs/common';

describe('processes', () => {
  let database: TestDatabase;
  const worlds: OperationsWorld[] = [];

  beforeAll(async () => {
    database = await testDatabase();
  });

  afterEach(async () => {
    await Promise.all(worlds.splice(0).map((world) => world.close()));
  });

  afterAll(() => database?.drop());

  const start = async (
    ...options: Parameters<typeof OperationsWorld.start> extends [string, ...infer R] ? R : never
  ) => {
    const world = await OperationsWorld.start(database.url, ...options);
    worlds.push(world);
    return world;
  };

  it('hand running work to another worker at shutdown, and that attempt does not count', async () => {
    const api = await start({ ROLES: 'api,sensors' });
    const first = await start({ ROLES: 'worker', SHUTDOWN_GRACE_SECONDS: '0' });
    first.script.run = ({ signal }) => untilAborted(signal);
    const { id } = await api.begin();
    await api.until(id, ({ status }) => status === 'running');
    const second = await start({ ROLES: 'worker' });
    second.script.run = async ({ attempt }) => ({ attempt });
    await first.close();
    worlds.splice(worlds.indexOf(first), 1);
    expect(await api.ended(id)).toMatchObject({ status: 'completed', result: { attempt: 2 }, maxAttempts: 3 });
    expect(
      await api.query('select outcome from operation_attempt where operation_id = $1 order by attempt', [id]),
    ).toEqual([{ outcome: 'handed_back' }, { outcome: 'completed' }]);
    expect(await api.eventTypes(id)).toEqual([
      'queue_update',
      'operation_started',
      'operation_retrying',
      'operation_started',
      'operation_completed',
    ]);
  });

  it('let running work end within the grace period', async () => {
    const world = await start({ ROLES: 'api,worker' });
    let finish!: () => void;
    world.script.run = () => new Promise((resolve) => (finish = () => resolve({ finished: true })));
    const { id } = await world.begin();
    await world.until(id, ({ status }) => status === 'running');
    const other = await start({ ROLES: 'api' });
    const closed = world.close();
    worlds.splice(worlds.indexOf(world), 1);
    finish();
    await closed;
    expect(await other.operations.get(id)).toMatchObject({ status: 'completed', attempt: 1 });
  });

  it('go on after the database has dropped all connections in the middle of the work', async () => {
    const world = await start();
    let goOn!: () => void;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    world.script.run = async (ctx) => {
      await held;
      return ctx.transaction(async () => ({ written: true }));
    };
    const { id } = await world.begin();
    await world.until(id, ({ status }) => status === 'running');
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await client.end();
    // A request that meets a dead connection before the pool has noticed fails; this test is about the work.
    for (let asked = 0; (await world.query('select 1').catch(() => [])).length === 0; asked += 1) {
      if (asked === 100) throw new Error('The pool does not connect again');
    }
    goOn();
    expect(await world.ended(id)).toMatchObject({ status: 'completed', result: { written: true } });
    expect(await world.ended((await world.begin()).id, 20_000)).toMatchObject({ status: 'completed' });
  });

  it('leave no connection behind', async () => {
    const world = await start();
    await world.ended((await world.begin()).id);
    await world.close();
    worlds.splice(worlds.indexOf(world), 1);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const others = `select application_name from pg_stat_activity
      where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`;
    // A server process needs a moment to notice that its client has said goodbye.
    const deadline = Date.now() + 40_000;
    let { rows } = await client.query(others);
    while (rows.length > 0 && Date.now() < deadline) ({ rows } = await client.query(others));
    await client.end();
    expect(rows).toEqual([]);
  });

  it('do what was begun while no worker was there, as soon as one starts', async () => {
    const api = await start({ ROLES: 'api' });
    const { id } = await api.begin();
    // As after a crash between commit and delivery.
    await emptyQueue(database.url);
    expect(await api.operations.get(id)).toMatchObject({ status: 'pending' });
    await start({ ROLES: 'worker,sensors' });
    expect(await api.ended(id)).toMatchObject({ status: 'completed' });
  });

  it('go on with what a killed worker left, as soon as its lease has run out', async () => {
    const api = await start({ ROLES: 'api' });
    const { id } = await api.begin();
    await api.query(
      `update operation set status = 'running', attempt = 1, worker_id = 'killed', last_sequence = 1,
         lease_expires_at = now() where id = $1`,
      [id],
    );
    await api.query(`insert into operation_attempt (operation_id, attempt, worker_id) values ($1, 1, 'killed')`, [id]);
    await start({ ROLES: 'worker,sensors' });
    expect(await api.ended(id)).toMatchObject({ status: 'completed', attempt: 2 });
  });

  it('keep a long operation by renewing its lease, while the sensors look', async () => {
    const world = await start({ LEASE_SECONDS: '5', LEASE_RENEW_SECONDS: '1', REAPER_SECONDS: '1' });
    const begunAt = Date.now();
    world.script.run = async (ctx) => {
      while (Date.now() - begunAt < 6_500) await ctx.transaction((em) => em.query('select pg_sleep(0.2)'));
      return {};
    };
    const { id } = await world.begin();
    expect(await world.ended(id)).toMatchObject({ status: 'completed', attempt: 1 });
  });

  it('take only the operation types that they are given, while each can be begun anywhere', async () => {
    const api = await start({ ROLES: 'api,sensors' });
    const hasty = await start({ ROLES: 'worker', WORKER_OPERATIONS: 'hasty_work' });
    const runs: string[] = [];
    hasty.script.run = async ({ operationId }) => ({ ran: runs.push(operationId) });
    const [waiting, quick] = [await api.begin(), await api.beginHasty()];
    expect(await api.ended(quick.id)).toMatchObject({ status: 'completed', result: { ran: 1 } });
    // Not merely unused: there is no worker, so nothing connects or asks.
    expect(() => hasty.app.get(TestWorkProcessor).worker).toThrow();
    expect(await api.operations.get(waiting.id)).toMatchObject({ status: 'pending' });

    const other = await start({ ROLES: 'worker', WORKER_OPERATIONS: 'test_work' });
    other.script.run = async () => ({ by: 'other' });
    expect(await api.ended(waiting.id)).toMatchObject({ status: 'completed', result: { by: 'other' } });
    expect(runs).toEqual([quick.id]);
  });

  it('do not start as workers of a type that is not there, and say which there are', async () => {
    await expect(start({ ROLES: 'worker', WORKER_OPERATIONS: 'hasty_work, hasty_wrok' })).rejects.toThrow(
      'WORKER_OPERATIONS: no operation type is called "hasty_wrok". Take from test_work, hasty_work.',
    );
  });

  it('do not start as workers when a type has no processor', async () => {
    await expect(start({ ROLES: 'worker' }, { processors: [TestWorkProcessor] })).rejects.toThrow(
      'operation type "hasty_work" has no processor',
    );
  });

  it('do not start as workers when a type has two processors', async () => {
    @Injectable()
    @HandlesOperation(TestWork)
    class Another extends OperationProcessor<typeof TestWork> {
      constructor(readonly script: Script) {
        super();
      }
      run = async () => ({});
    }
    const processors = [TestWorkProcessor, HastyWorkProcessor, Another];
    await expect(start({ ROLES: 'worker' }, { processors })).rejects.toThrow(
      'operation type "test_work" has 2 processors (TestWorkProcessor, Another)',
    );
  });
});
