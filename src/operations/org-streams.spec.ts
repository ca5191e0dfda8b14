import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { OperationsWorld } from '../../test/support/operations-world';
import { type Frame, framesOf, framesUntil } from '../../test/support/frames';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import { migrate } from '../database/migrate';

describe('the event stream of an organisation', () => {
  let database: TestDatabase;
  let world: OperationsWorld;
  let base: string;
  let orgId: string;

  beforeAll(async () => {
    database = await testDatabase();
    world = await OperationsWorld.start(database.url, { STREAM_PING_SECONDS: '1', MAX_STREAMS_PER_USER: '3' });
    base = await world.url();
  });

  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });

  beforeEach(async () => {
    orgId = await world.org();
  });

  const open = (
    { query = '', lastEventId }: { query?: string; lastEventId?: string } = {},
    signal?: AbortSignal,
  ): Promise<Response> =>
    fetch(`${base}/v1/orgs/${orgId}/events${query}`, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
      signal,
    });

  const work = (): Promise<string> => world.work(orgId);

  const ids = (frames: Frame[]): string[] => frames.slice(1).flatMap(({ id }) => id ?? []);
  const sequencesOf = (frames: Frame[], operation: string): unknown[] =>
    frames.flatMap(({ data }) => (data?.operation_id === operation ? [data.sequence_number] : []));

  /** Frames until so many operations have ended. */
  const untilEnded = (response: Response, count: number): Promise<Frame[]> => {
    let ended = 0;
    return framesUntil(response, ({ event }) => event === 'operation_completed' && (ended += 1) === count);
  };

  it('tells from now on what happens in all operations of the organisation, and of no other', async () => {
    await work();
    const response = await open();
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const frames = untilEnded(response, 2);
    await world.ended((await world.begin({}, undefined, randomUUID())).id);
    const mine = [await work(), await work()];
    const [connected, ...events] = await frames;
    expect(connected).toMatchObject({ event: 'connected', id: expect.stringMatching(/^\d+-\d+$/) as string });
    for (const id of mine) expect(sequencesOf(events, id)).toEqual([1, 2, 3]);
    expect(new Set(events.map(({ data }) => data!.operation_id))).toEqual(new Set(mine));
    expect(events[1].data).toMatchObject({ operation_type: 'test_work', status: 'running', sequence_number: 2 });
    expect(events[1].data!.graph_id).toMatch(/^kg/);
  });

  it('goes on exactly after Last-Event-ID, whichever that is', async () => {
    await Promise.all([work(), work(), work()]);
    const whole = await untilEnded(await open({ query: '?from=beginning' }), 3);
    expect(ids(whole)).toHaveLength(9);
    for (const [index, id] of ids(whole).entries()) {
      if (index === 8) continue;
      const rest = await untilEnded(
        await open({ lastEventId: id }),
        whole.slice(index + 2).filter(({ event }) => event === 'operation_completed').length,
      );
      expect(ids(rest)).toEqual(ids(whole).slice(index + 1));
    }
    // Before its first event a client has the id of its first frame.
    const [connected] = await framesUntil(await open(), ({ event }) => event === 'connected');
    const id = await work();
    const later = await untilEnded(await open({ lastEventId: connected.id }), 1);
    expect(sequencesOf(later, id)).toEqual([1, 2, 3]);
  });

  it('keeps one order for everybody, although transactions commit in another order than they took their numbers', async () => {
    const { id: slow } = await world.begin({}, undefined, orgId);
    const { id: fast } = await world.begin({}, undefined, orgId);
    await Promise.all([world.ended(slow), world.ended(fast)]);
    const live = await open();
    const frames = framesOf(live);
    const first = (await frames.next()).value as Frame;
    const clients = await Promise.all([connect(), connect()]);
    await clients[0].query('begin');
    await append(clients[0], slow);
    await clients[1].query('begin');
    await append(clients[1], fast);
    await clients[1].query('commit');
    // The later number is committed and waits for the earlier one: nothing is told yet, only pings.
    await expectPing(frames);
    await expectPing(frames);
    await clients[0].query('commit');
    const told = [await nextEvent(frames), await nextEvent(frames)];
    expect(told.map(({ data }) => data!.operation_id)).toEqual([slow, fast]);
    const again = framesOf(await open({ lastEventId: first.id }));
    await again.next();
    expect([await nextEvent(again), await nextEvent(again)]).toEqual(told);
    await Promise.all([frames.return(undefined), again.return(undefined), ...clients.map((client) => client.end())]);
  });

  it('has no gap and no double while it is cut again and again and many work at once', async () => {
    const OPERATIONS = 30;
    let lastEventId: string | undefined = '0-0';
    const seen: Frame[] = [];
    const working = Promise.all(Array.from({ length: OPERATIONS }, () => work()));
    let cuts = 0;
    while (seen.length < OPERATIONS * 3) {
      const part = await framesUntil(await open({ lastEventId }), ({ event }) => {
        return event === 'operation_completed' || event === 'operation_started';
      });
      cuts += 1;
      seen.push(...part.slice(1).filter(({ event }) => event !== undefined));
      lastEventId = part.findLast(({ id }) => id !== undefined)!.id;
    }
    expect(cuts).toBe(OPERATIONS * 2);
    for (const id of await working) expect(sequencesOf(seen, id)).toEqual([1, 2, 3]);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(OPERATIONS * 3);
  });

  it.each(['7', 'x', '1-99999', '99999999-1'])(
    'starts anew where Last-Event-ID is %s, which it does not know',
    async (id) => {
      await work();
      const [connected, resync] = await framesUntil(await open({ lastEventId: id }), ({ event }) => event === 'resync');
      expect(resync.data).toMatchObject({ org_id: orgId, last_event_id: connected.id });
      const mine = await work();
      // What ended before may be told only now: a transaction anywhere in the cluster may have held it back.
      const later = await framesUntil(
        await open({ lastEventId: connected.id }),
        ({ event, data }) => event === 'operation_completed' && data?.operation_id === mine,
      );
      expect(sequencesOf(later, mine)).toEqual([1, 2, 3]);
    },
  );

  it('starts anew where what Last-Event-ID names was pruned', async () => {
    const gone = await work();
    await work();
    const whole = await untilEnded(await open({ query: '?from=beginning' }), 2);
    await world.query('delete from operation where id = $1', [gone]);
    const lastEventId = whole.find(({ data }) => data?.operation_id === gone)!.id;
    const frames = await framesUntil(await open({ lastEventId }), ({ event }) => event === 'resync');
    expect(frames.map(({ event }) => event)).toEqual(['connected', 'resync']);
  });

  it('counts as one of the streams of its user', async () => {
    const clients = Array.from({ length: 3 }, () => new AbortController());
    const streams = await Promise.all(clients.map(({ signal }) => retried(() => open({}, signal))));
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await open()).status).toBe(429);
    for (const client of clients) client.abort();
    expect((await open({ query: '?from=sometimes' })).status).toBe(422);
  });

  it('can be read after its database moved to a cluster that has had fewer transactions', async () => {
    const id = await work();
    const before = await untilEnded(await retried(() => open({ query: '?from=beginning' })), 1);
    await world.query(
      `update operation_event set xid = (xid::text::bigint + 1000000000)::text::xid8 where org_id = $1`,
      [orgId],
    );
    await migrate(database.url);
    const frames = await untilEnded(await retried(() => open({ query: '?from=beginning' })), 1);
    expect(sequencesOf(frames, id)).toEqual([1, 2, 3]);
    const lastEventId = before.at(-1)!.id;
    const resumed = await framesUntil(await retried(() => open({ lastEventId })), ({ event }) => event === 'resync');
    expect(resumed).toHaveLength(2);
  });

  /** Streams that were just closed are counted off a moment later. */
  async function retried(attempt: () => Promise<Response>): Promise<Response> {
    const deadline = Date.now() + 40_000;
    for (;;) {
      const response = await attempt();
      if (response.status !== 429 || Date.now() > deadline) return response;
      await response.text();
    }
  }

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    return client;
  }

  /** One more event of an operation, in the client's own transaction. */
  async function append(client: Client, operationId: string): Promise<void> {
    const { rows } = await client.query<{ news: string }>(
      `with changed as (
         update operation set last_sequence = last_sequence + 1 where id = $1 returning id, last_sequence, org_id
       ), event as (
         insert into operation_event (operation_id, sequence, type, data, org_id)
         select id, last_sequence, 'operation_progress', '{}', org_id from changed
       ) select id || ':' || last_sequence || ':' || org_id as news from changed`,
      [operationId],
    );
    await client.query(`select pg_notify('operation_events', $1)`, [rows[0].news]);
  }

  async function expectPing(frames: AsyncGenerator<Frame>): Promise<void> {
    expect((await frames.next()).value).toEqual({ comment: 'ping' });
  }

  async function nextEvent(frames: AsyncGenerator<Frame>): Promise<Frame> {
    for (;;) {
      const { value } = (await frames.next()) as { value: Frame };
      if (value.event !== undefined) return value;
    }
  }
});
