import { testDatabase, type TestDatabase } from '../../test/support/database';
import { type Frame, framesOf, framesUntil } from '../../test/support/frames';
import { OperationsWorld } from '../../test/support/operations-world';
import { OperationRetention } from '../operations/operation-retention';
import { JobsConfig } from './jobs.config';
import { RetentionSensor } from './retention.sensor';

describe('the history is kept for a time', () => {
  let database: TestDatabase;
  let world: OperationsWorld;
  let base: string;
  let orgId: string;

  beforeAll(async () => {
    database = await testDatabase();
    world = await OperationsWorld.start(database.url, { STREAM_PING_SECONDS: '1' });
    base = await world.url();
  });
  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    orgId = await world.org();
  });
  afterEach(() => Object.assign(world.app.get(JobsConfig), { retentionDays: undefined }));

  const work = (): Promise<string> => world.work(orgId);
  const age = (id: string, days: number) =>
    world.query(`update operation set ended_at = now() - make_interval(hours => $2) where id = $1`, [
      id,
      days * 24 + 1,
    ]);
  const look = () => world.app.get(RetentionSensor).look();
  const left = async (...ids: string[]): Promise<string[]> =>
    (await world.query<{ id: string }>('select id from operation where id = any($1) order by id', [ids])).map(
      ({ id }) => id,
    );
  const stream = (lastEventId?: string, query = '') =>
    fetch(`${base}/v1/orgs/${orgId}/events${query}`, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    });
  const beginning = (): Promise<Response> => stream(undefined, '?from=beginning');
  /** Ids of the events of an operation, told by the stream of its organisation. */
  const eventIds = async (operation: string): Promise<string[]> => {
    const frames = await framesUntil(
      await beginning(),
      ({ event, data }) => event === 'operation_completed' && data?.operation_id === operation,
    );
    return frames.flatMap(({ id, data }) => (data?.operation_id === operation && id ? [id] : []));
  };
  const firstFrames = async (response: Response): Promise<(string | undefined)[]> => {
    const frames: Frame[] = [];
    for await (const frame of framesOf(response)) {
      frames.push(frame);
      if (frame.event !== 'connected' && frame.event !== 'resync') break;
      if (frames.length === 2) break;
    }
    return frames.map(({ event }) => event);
  };

  it('as each type says, with all that belongs to it, and not one that is open', async () => {
    const [old, young] = [await work(), await work()];
    world.script.run = () => Promise.reject(new Error('broken'));
    const [open, settled] = [await work(), await work()];
    world.script.run = async () => ({});
    await world.query(`update dead_letter set status = 'discarded' where operation_id = $1`, [settled]);
    for (const id of [old, open, settled]) await age(id, 1);
    const before = world.app.get(OperationRetention).pruned;
    await look();
    expect(await left(old, young, open, settled)).toEqual([young, open].sort());
    expect(world.app.get(OperationRetention).pruned - before).toBe(2);
    for (const table of ['operation_event', 'operation_attempt', 'dead_letter']) {
      expect(await world.query(`select 1 from ${table} where operation_id = any($1)`, [[old, settled]])).toEqual([]);
    }
    expect((await fetch(`${base}/v1/operations/${old}/stream`)).status).toBe(404);
    expect((await fetch(`${base}/v1/operations/${old}`)).status).toBe(404);
  });

  it('as the operator says, where they do', async () => {
    const id = await work();
    await age(id, 20);
    Object.assign(world.app.get(JobsConfig), { retentionDays: 60 });
    await look();
    expect(await left(id)).toEqual([id]);
    Object.assign(world.app.get(JobsConfig), { retentionDays: 10 });
    await look();
    expect(await left(id)).toEqual([]);
  });

  it('and is removed once, however many look at the same time', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, work));
    for (const id of ids) await age(id, 1);
    const retention = world.app.get(OperationRetention);
    const counts = await Promise.all([1, 2, 3].map(() => retention.prune('test_work', 1, 5)));
    const rest = await retention.prune('test_work', 1, 100);
    expect(counts.reduce((sum, count) => sum + count, rest)).toBe(12);
    expect(await left(...ids)).toEqual([]);
  });

  it('which whoever comes back to the stream of an organisation after that is told', async () => {
    const [first, second, third] = [await work(), await work(), await work()];
    const [ofFirst, ofSecond, ofThird] = [await eventIds(first), await eventIds(second), await eventIds(third)];
    await age(second, 1);
    await look();
    expect(await firstFrames(await stream(ofFirst.at(-1)))).toEqual(['connected', 'resync']);
    expect(await firstFrames(await stream(ofSecond[0]))).toEqual(['connected', 'resync']);
    // They have seen all that was removed.
    expect(await firstFrames(await stream(ofSecond.at(-1)))).toEqual(['connected', 'queue_update']);
    expect(await firstFrames(await stream(ofThird[1]))).toEqual(['connected', 'operation_completed']);
    expect((await firstFrames(await beginning()))[1]).not.toBe('resync');
  });

  it('without a word to those who have missed nothing, though nothing is left', async () => {
    const id = await work();
    await age(id, 1);
    await look();
    const [connected] = await framesUntil(await stream(), ({ event }) => event === 'connected');
    const next = await work();
    const frames = await framesUntil(
      await stream(connected.id ?? undefined),
      ({ event }) => event === 'operation_completed',
    );
    expect(frames.map(({ event }) => event)).not.toContain('resync');
    expect(frames.filter(({ data }) => data?.operation_id === next).length).toBeGreaterThanOrEqual(3);
  });

  it('which a stream is told that was reading just then', async () => {
    const id = await work();
    // More than is read at once, and than the sockets hold while nobody reads.
    await world.query(
      `insert into operation_event (operation_id, sequence, type, data, created_at, org_id)
       select $1, 100 + i, 'operation_progress', jsonb_build_object('message', repeat('x', 50000)), now(), $2
       from generate_series(1, 600) i`,
      [id, orgId],
    );
    // Until a transaction elsewhere in the cluster does not hold them back any more.
    await framesUntil(await beginning(), ({ data }) => data?.sequence_number === 700);
    const reader = framesOf(await beginning());
    const events: (string | undefined)[] = [];
    // The stream is in the middle of the history, not before it, when that is removed.
    while (!events.includes('operation_progress')) {
      const next = await reader.next();
      if (next.done) throw new Error('the stream ended before the history came');
      events.push(next.value.event);
    }
    await age(id, 1);
    await look();
    await work();
    for await (const { event, data } of reader) {
      events.push(event);
      if (event === 'resync' || (event === undefined && data === undefined)) break;
    }
    // What was left of the history came, then the news that something was missed.
    expect(events.filter((event) => event === 'operation_progress').length).toBeLessThan(600);
    expect(events.at(-1)).toBe('resync');
    expect(events).toContain('operation_completed');
  });
});
