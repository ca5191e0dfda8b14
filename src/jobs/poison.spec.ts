import { OperationsWorld, TestWorkProcessor } from '../../test/support/operations-world';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import { Ids } from '../common/ids';
import { Notifications } from '../database/notifications';
import { EVENTS_CHANNEL } from '../operations/operation-log';
import { type OperationJob, Queues } from './queues';
import { Sweeper } from './sweeper.sensor';
import { UnknownTypes } from './unknown-types.sensor';

/** What no version of the platform would write, written all the same. */
describe('poison', () => {
  let database: TestDatabase;
  let worlds: OperationsWorld[];
  let world: OperationsWorld;

  beforeAll(async () => {
    database = await testDatabase();
    const environment = { ROLES: 'api,worker', UNKNOWN_TYPE_SECONDS: '60' };
    worlds = [
      await OperationsWorld.start(database.url, environment),
      await OperationsWorld.start(database.url, environment),
    ];
    world = worlds[0];
  });
  afterAll(async () => {
    for (const one of worlds ?? []) await one.close();
    await database?.drop();
  });
  beforeEach(async () => {
    for (const one of worlds) one.script.run = async () => ({ done: true });
    await world.query('delete from operation');
  });

  /** A row that no queue was told of. */
  async function row(payload: string, { type = 'test_work', secondsOld = 0 } = {}): Promise<string> {
    const id = new Ids().operation();
    await world.query(
      `insert into operation (id, type, status, graph_id, payload, max_attempts, run_after)
       values ($1, $2, 'pending', $3, $4, 3, now() - make_interval(secs => $5))`,
      [id, type, new Ids().graph(), payload, secondsOld],
    );
    return id;
  }

  it.each([
    ['null', 'null'],
    ['text', '"note"'],
    ['a number', '1'],
    ['a list', '[{"note": "a"}]'],
    ['a member that it does not know', '{"surprise": 1}'],
    ['a member of another type', '{"note": {"$gt": ""}}'],
    ['a text of 1 MB', JSON.stringify({ note: 'x'.repeat(1_000_000) })],
    ['a member whose name has 1 MB', JSON.stringify({ ['x'.repeat(1_000_000)]: 1 })],
    ['members without end', `${'{"note":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
  ])('as payload is a dead letter at its first attempt: %s', async (_what, payload) => {
    const id = await row(payload);
    const good = await row('{"note": "good"}');
    await world.app.get(Sweeper).look();
    expect(await world.ended(id)).toMatchObject({ status: 'failed', attempt: 1 });
    expect((await world.events(id)).at(-1)).toMatchObject({
      type: 'operation_error',
      data: { error_details: { dead_letter: true } },
    });
    const letters = await world.query(
      'select reason, payload = $2::jsonb as kept from dead_letter where operation_id = $1',
      [id, payload],
    );
    expect(letters).toEqual([{ reason: 'invalid_payload', kept: true }]);
    expect(await world.ended(good)).toMatchObject({ status: 'completed' });
  });

  it('thrown by the work is a dead letter at once', async () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const poisons: [string, () => Promise<object>][] = [
      ['an error with 1 MB of NUL', () => Promise.reject(new Error('\0'.repeat(1_000_000)))],
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a library may do
      ['no error at all', () => Promise.reject(undefined)],
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the same
      ['a lone surrogate', () => Promise.reject('\udc00')],
      ['a result without an end', () => Promise.resolve(circle)],
    ];
    for (const [what, run] of poisons) {
      for (const one of worlds) one.script.run = run;
      const { id } = await world.begin();
      expect([what, await world.ended(id)]).toMatchObject([what, { status: 'failed', attempt: 1 }]);
      expect(await world.query('select reason from dead_letter where operation_id = $1', [id])).toEqual([
        { reason: 'unexpected_error' },
      ]);
    }
  });

  it('in a result or in progress is stored as what can be read', async () => {
    for (const one of worlds) {
      one.script.run = async (ctx) => {
        ctx.progress(1, 'a\0b\ud800');
        return { ['key\0']: 'value\0', large: 2n ** 70n };
      };
    }
    const { id } = await world.begin();
    expect(await world.ended(id)).toMatchObject({
      status: 'completed',
      result: { 'key\ufffd': 'value\ufffd', large: '1180591620717411303424' },
      progress: { message: 'a\ufffdb\ufffd' },
    });
  });

  it('in the queue itself is put away, and good work goes on', async () => {
    const other = await world.beginHasty();
    await world.ended(other.id);
    const waiting = new Ids().operation();
    await world.query(
      `insert into operation (id, type, status, payload, max_attempts, delivered_at)
       values ($1, 'hasty_work', 'pending', '{}', 1, now())`,
      [waiting],
    );
    const garbage: unknown[] = [
      null,
      'text',
      7,
      [],
      {},
      { operationId: null },
      { operationId: 'op_\0' },
      { operationId: new Ids().operation() },
      { operationId: 'x'.repeat(1_000_000) },
      { operationId: { $gt: '' } },
      { operationId: other.id },
      // Of another type: only its own queue may run it.
      { operationId: waiting },
    ];
    const queue = world.app.get(Queues).of('test_work')!;
    const done = garbage.length;
    let seen = 0;
    const all = new Promise<void>((resolve, reject) => {
      for (const one of worlds) {
        const { worker } = one.app.get(TestWorkProcessor);
        worker.on('completed', () => ++seen === done && resolve());
        worker.on('failed', (_job, error) => reject(error));
      }
    });
    // The queue's own JSON cannot hold NUL where it lives in Postgres: then that one cannot be put there at all.
    const refused = await Promise.all(
      garbage.map((data) =>
        queue.add('test_work', data as OperationJob, { removeOnComplete: true, removeOnFail: true }).then(
          () => 0,
          () => 1,
        ),
      ),
    );
    seen += refused.reduce<number>((sum, one) => sum + one, 0);
    await all;
    const { id } = await world.begin();
    expect(await world.ended(id)).toMatchObject({ status: 'completed' });
    expect(await world.operations.get(waiting)).toMatchObject({ status: 'pending', attempt: 0 });
    expect(await world.operations.get(other.id)).toMatchObject({ attempt: 1 });
  });

  describe('of an unknown type', () => {
    const look = () => Promise.all(worlds.map((one) => one.app.get(UnknownTypes).look()));

    it('is a dead letter after a time in which nobody runs such work, once', async () => {
      const old = await row('{}', { type: 'of_old', secondsOld: 61 });
      const young = await row('{}', { type: 'of_old', secondsOld: 30 });
      await world.app.get(Sweeper).look();
      await look();
      expect(await world.operations.get(old)).toMatchObject({
        status: 'failed',
        error: { code: 'unknown_operation_type', details: { operation_type: 'of_old' } },
      });
      expect(await world.eventTypes(old)).toEqual(['operation_error']);
      expect(await world.query('select reason from dead_letter where operation_id = $1', [old])).toEqual([
        { reason: 'unknown_type' },
      ]);
      expect(await world.operations.get(young)).toMatchObject({ status: 'pending' });
    });

    it.each([
      ['runs one', `status = 'running'`],
      ['ended one lately', `status = 'completed', started_at = now(), ended_at = now()`],
      ['has one to try again', `attempt = 1, updated_at = now()`],
    ])('is left alone while another version %s', async (_what, set) => {
      const old = await row('{}', { type: 'of_new', secondsOld: 3600 });
      const sibling = await row('{}', { type: 'of_new' });
      await world.query(`update operation set ${set} where id = $1`, [sibling]);
      await look();
      expect(await world.operations.get(old)).toMatchObject({ status: 'pending' });
      await world.query(
        `update operation set status = 'completed', ended_at = now() - interval '2 minutes' where id = $1`,
        [sibling],
      );
      await look();
      expect(await world.operations.get(old)).toMatchObject({ status: 'failed' });
    });

    it('is no work of this version, however long it waits', async () => {
      const heard = await world.app.get(Notifications).listen(EVENTS_CHANNEL);
      const events: string[] = [];
      const subscription = heard.subscribe((payload) => events.push(payload));
      const mine = await row('{}', { type: 'hasty_work', secondsOld: 86_400 });
      await look();
      expect(await world.operations.get(mine)).toMatchObject({ status: 'pending' });
      subscription.unsubscribe();
      expect(events).toEqual([]);
    });
  });
});
