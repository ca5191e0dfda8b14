import { randomUUID } from 'node:crypto';
import { gate, OperationsWorld, TEST_ACTOR } from '../../test/support/operations-world';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import { StreamCounts } from './stream-counts';

const MOST = 6;

describe('streams of one user', () => {
  let database: TestDatabase;
  let one: OperationsWorld;
  let two: OperationsWorld;
  let done: ReturnType<typeof gate<void>>;
  let operationId: string;
  const clients: AbortController[] = [];

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { MAX_STREAMS_PER_USER: String(MOST), SHUTDOWN_GRACE_SECONDS: '0' };
    [one, two] = await Promise.all([
      OperationsWorld.start(database.url, settings),
      OperationsWorld.start(database.url, { ...settings, ROLES: 'api' }),
    ]);
    await Promise.all([one.url(), two.url()]);
    done = gate();
    one.script.run = () => done.promise.then(() => ({}));
    operationId = (await one.begin()).id;
  });

  afterAll(async () => {
    done.open();
    await one.ended(operationId);
    await Promise.all([one?.close(), two?.close()]);
    await database?.drop();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.abort();
    await countBecomes(0);
    await one.query('delete from stream_count');
  });

  const open = async (world: OperationsWorld): Promise<Response> => {
    const client = new AbortController();
    clients.push(client);
    return fetch(`${await world.url()}/v1/operations/${operationId}/stream`, { signal: client.signal });
  };

  const counted = async (): Promise<number> => {
    const [{ n }] = await one.query<{ n: number }>(
      'select coalesce(sum(open), 0)::int as n from stream_count where user_id = $1',
      [TEST_ACTOR.userId],
    );
    return n;
  };

  const countBecomes = async (expected: number): Promise<void> => {
    const deadline = Date.now() + 40_000;
    while ((await counted()) !== expected && Date.now() < deadline) await new Promise(setImmediate);
    expect(await counted()).toBe(expected);
  };

  it('are counted over all processes, also when all come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 4 * MOST }, (_, n) => open(n % 2 ? one : two)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(MOST);
    expect(statuses.filter((status) => status === 429)).toHaveLength(3 * MOST);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(await refused.json()).toMatchObject({ code: 'too_many_streams', status: 429 });
    expect(await counted()).toBe(MOST);
  });

  it('make room elsewhere when they close', async () => {
    await Promise.all(Array.from({ length: MOST }, () => open(one)));
    expect((await open(two)).status).toBe(429);
    for (const client of clients.splice(0, 2)) client.abort();
    await countBecomes(MOST - 2);
    expect((await open(two)).status).toBe(200);
    expect((await open(two)).status).toBe(200);
    expect((await open(two)).status).toBe(429);
  });

  it('do not count once their process is dead', async () => {
    const dead = randomUUID();
    await one.query(`insert into stream_count values ($1, $2, $3, now() - interval '20 seconds')`, [
      TEST_ACTOR.userId,
      dead,
      MOST,
    ]);
    expect((await open(one)).status).toBe(429);
    await one.query(`update stream_count set seen_at = now() - interval '31 seconds' where process_id = $1`, [dead]);
    expect((await open(one)).status).toBe(200);
    await one.app.get(StreamCounts).beat();
    expect(await one.query('select 1 from stream_count where process_id = $1', [dead])).toEqual([]);
    expect(await counted()).toBe(1);
  });

  it('are counted in again when the table was lost', async () => {
    await Promise.all([open(one), open(one)]);
    await one.query('truncate stream_count');
    await one.app.get(StreamCounts).beat();
    await countBecomes(2);
  });

  it('are counted off at once when their process shuts down', async () => {
    const third = await OperationsWorld.start(database.url, { ROLES: 'api' });
    expect((await open(third)).status).toBe(200);
    expect(await counted()).toBe(1);
    await third.close();
    expect(await counted()).toBe(0);
  });

  it('are counted with few statements, however many come', async () => {
    const counts = new StreamCounts(one.tx, { maxStreamsPerUser: 2_000 } as never);
    const query = jest.spyOn(one.tx.em, 'query');
    try {
      const closers = await Promise.all(Array.from({ length: 2_000 }, () => counts.admit(TEST_ACTOR.userId)));
      await expect(counts.admit(TEST_ACTOR.userId)).rejects.toMatchObject({ code: 'too_many_streams' });
      for (const close of closers) close();
      for (const close of closers) close();
      await countBecomes(0);
      const statements = query.mock.calls.filter(([sql]) => String(sql).includes('admit_streams'));
      expect(statements.length).toBeLessThan(10);
    } finally {
      query.mockRestore();
      await counts.beforeApplicationShutdown();
    }
  });
});
