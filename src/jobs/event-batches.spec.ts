import { testDatabase, type TestDatabase } from '../../test/support/database';
import { OperationsWorld } from '../../test/support/operations-world';
import { Batches } from '../database/batches';
import { EventBatches } from '../operations/event-batches';
import { completed, progressed } from '../operations/operation-events';
import { OperationLog } from '../operations/operation-log';
import type { Operation } from '../operations/operation.entity';
import { AttemptsRepository } from './attempts.repository';

/** Claims and news of many attempts that come up at once, and so are written by one statement. */
describe('what many attempts write at once', () => {
  let database: TestDatabase;
  let world: OperationsWorld;

  beforeAll(async () => {
    database = await testDatabase();
    world = await OperationsWorld.start(database.url, { ROLES: 'api' });
  });
  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });
  afterEach(() => jest.restoreAllMocks());

  const begun = (count: number) => Promise.all(Array.from({ length: count }, () => world.begin()));
  const claim = ({ id }: Operation) =>
    world.app.get(AttemptsRepository).claim({ operationId: id, type: 'test_work', workerId: 'me', leaseMs: 60_000 });
  const claimed = async (count: number) =>
    (await Promise.all((await begun(count)).map(claim))).map((operation) => operation!);
  const progress = ({ id }: Operation, attempt: number, note: string) => {
    const news = { percent: 50, message: 'Half-way', note };
    return world.app
      .get(EventBatches)
      .write({ operationId: id, attempt, event: progressed(news), set: { progress: news } });
  };
  const complete = ({ id }: Operation, attempt: number, note: string) =>
    world.app
      .get(EventBatches)
      .write({ operationId: id, attempt, event: completed({ note }, 1), set: { result: { note } } });

  it('claims each operation once, with its own attempt and event', async () => {
    const operations = await begun(20);
    // Delivered twice, all of them.
    const granted = await Promise.all([...operations, ...operations].map(claim));
    expect(
      granted
        .filter((one) => one !== null)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(operations.map(({ id }) => id).sort());
    for (const { id } of operations) {
      expect(await world.operations.get(id)).toMatchObject({ status: 'running', attempt: 1, workerId: 'me' });
      expect(await world.eventTypes(id)).toEqual(['queue_update', 'operation_started']);
    }
    const attempts = await world.query('select * from operation_attempt where operation_id = any($1)', [
      operations.map(({ id }) => id),
    ]);
    expect(attempts).toHaveLength(20);
  });

  it('gives each its own event, progress and result, and sends few statements', async () => {
    const operations = await claimed(20);
    const alone = jest.spyOn(world.app.get(OperationLog), 'write');
    expect(await Promise.all(operations.map((one, n) => progress(one, 1, `p${n}`)))).toEqual(Array(20).fill(true));
    expect(await Promise.all(operations.map((one, n) => complete(one, 1, `r${n}`)))).toEqual(Array(20).fill(true));
    expect(alone).not.toHaveBeenCalled();
    for (const [n, { id }] of operations.entries()) {
      const found = await world.operations.get(id);
      expect(found).toMatchObject({ status: 'completed', progress: { note: `p${n}` }, result: { note: `r${n}` } });
      expect(found).toMatchObject({ workerId: null, leaseExpiresAt: null, lastSequence: 4 });
      expect(
        (await world.events(id)).map(({ sequence, type, data }) => [sequence, type, data.note ?? data.result]),
      ).toEqual([
        [1, 'queue_update', undefined],
        [2, 'operation_started', undefined],
        [3, 'operation_progress', `p${n}`],
        [4, 'operation_completed', { note: `r${n}` }],
      ]);
    }
    const ids = operations.map(({ id }) => id);
    expect(await world.query('select * from operation_lock where operation_id = any($1)', [ids])).toEqual([]);
    expect(
      await world.query(`select * from operation_attempt where operation_id = any($1) and outcome = 'completed'`, [
        ids,
      ]),
    ).toHaveLength(20);
  });

  it('refuses what an old attempt says, and that alone', async () => {
    const [mine, taken, ended] = await claimed(3);
    await world.query('update operation set attempt = 2 where id = $1', [taken.id]);
    await complete(ended, 1, 'first');
    expect(await Promise.all([mine, taken, ended].map((one) => complete(one, 1, 'late')))).toEqual([
      true,
      false,
      false,
    ]);
    expect(await world.eventTypes(taken.id)).toEqual(['queue_update', 'operation_started']);
    expect(await world.operations.get(ended.id)).toMatchObject({ result: { note: 'first' }, lastSequence: 3 });
  });

  it('does not make operations wait for one whose row is locked', async () => {
    const [free, locked] = await claimed(2);
    await world.tx
      .run(async (em) => {
        await em.query('select 1 from operation where id = $1 for update', [locked.id]);
        const held = progress(locked, 1, 'waits');
        expect(await progress(free, 1, 'goes on')).toBe(true);
        await em.query('update operation set cancel_reason = $2 where id = $1', [locked.id, 'seen']);
        return { held };
      })
      .then(async ({ held }) => expect(await held).toBe(true));
    expect(await world.operations.get(locked.id)).toMatchObject({ progress: { note: 'waits' }, cancelReason: 'seen' });
  });

  it('stores what can be stored beside what cannot', async () => {
    const [good, bad] = await claimed(2);
    const tooLate = world.app.get(EventBatches).write({
      operationId: bad.id,
      // No attempt can have such a number, so the statement for all of them fails.
      attempt: 2 ** 40,
      event: completed({}, 1),
      set: { result: {} },
    });
    const outcomes = await Promise.allSettled([tooLate, complete(good, 1, 'done')]);
    expect(outcomes).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: true }]);
    expect(await world.operations.get(bad.id)).toMatchObject({ status: 'running' });
  });
});

describe('batches', () => {
  it('take what comes up meanwhile together, in order, at most a hundred', async () => {
    const sent: number[][] = [];
    const batches = new Batches<number, number>(async (items) => {
      sent.push(items);
      return items.map((item) => item * 2);
    });
    const results = await Promise.all(Array.from({ length: 250 }, (_, n) => batches.add(n)));
    expect(results).toEqual(Array.from({ length: 250 }, (_, n) => n * 2));
    expect(sent.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(await batches.add(7)).toBe(14);
  });

  it('tell a failure to those of the batch, and go on', async () => {
    const batches = new Batches<number, number>((items) =>
      items.includes(1) ? Promise.reject(new Error('no')) : Promise.resolve(items),
    );
    await expect(Promise.all([batches.add(1), batches.add(2)])).rejects.toThrow('no');
    expect(await batches.add(3)).toBe(3);
  });
});
