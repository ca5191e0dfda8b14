import { gate, OperationsWorld, TEST_ACTOR } from '../../test/support/operations-world';
import { allFrames, framesOf } from '../../test/support/frames';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import { QueuePositions } from './queue-positions';
import { QueueRates } from './queue-rates';

describe('positions in a queue', () => {
  let database: TestDatabase;
  let world: OperationsWorld;
  let base: string;
  let done: ReturnType<typeof gate<void>>;

  beforeAll(async () => {
    database = await testDatabase();
    world = await OperationsWorld.start(database.url);
    base = await world.url();
  });

  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });

  beforeEach(() => {
    done = gate();
    world.script.run = () => done.promise.then(() => ({}));
  });

  /** Four are being worked on, as many as there may be; those that are given come behind them. */
  const fill = async (waiting: number): Promise<{ running: string[]; pending: string[] }> => {
    const running = await Promise.all(Array.from({ length: 4 }, async () => (await world.begin()).id));
    await Promise.all(running.map((id) => world.until(id, ({ status }) => status === 'running')));
    const pending: string[] = [];
    for (let n = 0; n < waiting; n += 1) pending.push((await world.begin()).id);
    return { running, pending };
  };

  const get = async (id: string, path = ''): Promise<Record<string, unknown>> =>
    (await (await fetch(`${base}/v1/operations/${id}${path}`)).json()) as Record<string, unknown>;

  it('are in the status of an operation while it waits, with an estimate once one can be made', async () => {
    const { running, pending } = await fill(3);
    for (const [index, id] of pending.entries()) {
      expect(await get(id)).toMatchObject({
        status: 'pending',
        queue_position: index + 1,
        estimated_wait_seconds: null,
      });
    }
    expect(await get(running[0], '/status')).toMatchObject({ queue_position: null, estimated_wait_seconds: null });
    done.open();
    await Promise.all([...running, ...pending].map((id) => world.ended(id)));
    expect(await get(pending[2])).toMatchObject({ status: 'completed', queue_position: null });

    // Half a second each, so one worker alone would do two a second.
    await world.query(`update operation set started_at = ended_at - interval '500 milliseconds'`);
    await world.app.get(QueueRates).measure('test_work');
    done = gate();
    world.script.run = () => done.promise.then(() => ({}));
    const next = await fill(4);
    const waits = await Promise.all(next.pending.map(async (id) => (await get(id)).estimated_wait_seconds));
    expect(waits).toEqual([1, 1, 2, 2]);
    const [first] = await world.events(next.pending[3]);
    expect(first.data).toMatchObject({ position: 4, estimated_wait_seconds: 2 });
    done.open();
    await Promise.all([...next.running, ...next.pending].map((id) => world.ended(id)));
  });

  it('are told to those who watch when they change, in frames without an id', async () => {
    const { running, pending } = await fill(2);
    const frames = framesOf(await fetch(`${base}/v1/operations/${pending[1]}/stream`));
    const positions: unknown[] = [];
    const ids: string[] = [];
    for await (const { event, data, id } of frames) {
      if (id !== undefined) ids.push(id);
      if (event === 'queue_update') positions.push([id, data!.position]);
      // Stored, then live; then the one before it goes away.
      if (positions.length === 2) await world.operations.cancel(TEST_ACTOR, pending[0]).catch(() => undefined);
      if (positions.length === 3) done.open();
    }
    expect(positions).toEqual([
      ['1', 2],
      [undefined, 2],
      [undefined, 1],
    ]);
    expect(ids).toEqual(['1', '2', '3']);
    await Promise.all(running.map((id) => world.ended(id)));
  });

  it('cost no statement while nobody watches a pending operation', async () => {
    const { running } = await fill(0);
    const look = jest.spyOn(world.app.get(QueuePositions), 'look');
    const streams = running.map(async (id) => allFrames(await fetch(`${base}/v1/operations/${id}/stream`)));
    done.open();
    await Promise.all(streams);
    expect(look).not.toHaveBeenCalled();
    look.mockRestore();
  });
});
