import { EventSource } from 'eventsource';
import { Client } from 'pg';
import { gate, OperationsWorld } from '../../test/support/operations-world';
import { allFrames, type Frame, framesOf } from '../../test/support/frames';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import type { OperationContext } from '../jobs/operation-context';
import { OperationLog } from './operation-log';
import { progressed } from './operation-events';

describe('the event stream of an operation', () => {
  let database: TestDatabase;
  let world: OperationsWorld;
  let base: string;

  beforeAll(async () => {
    database = await testDatabase();
    world = await OperationsWorld.start(database.url, {
      STREAM_PING_SECONDS: '1',
      MAX_STREAMS_PER_USER: '5',
      SHUTDOWN_GRACE_SECONDS: '0',
    });
    base = await world.url();
  });

  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });

  beforeEach(() => {
    world.script.run = async () => ({ done: true });
  });

  const open = (
    id: string,
    { query = '', lastEventId }: { query?: string; lastEventId?: string } = {},
    signal?: AbortSignal,
  ) =>
    fetch(`${base}/v1/operations/${id}/stream${query}`, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
      signal,
    });

  const finished = async (): Promise<string> => {
    const { id } = await world.begin();
    await world.ended(id);
    return id;
  };

  /** Stores progress as the running attempt does, without the thinning of reports. */
  const progress = (ctx: OperationContext, percent: number) =>
    world.app.get(OperationLog).write({
      operationId: ctx.operationId,
      attempt: ctx.attempt,
      event: progressed({ percent, message: `${percent}` }),
    });

  it('replays a finished operation and closes with its final status', async () => {
    const id = await finished();
    const response = await open(id);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const frames = await allFrames(response);
    expect(frames.map(({ event }) => event)).toEqual([
      'connected',
      'queue_update',
      'operation_started',
      'operation_completed',
      'stream_end',
    ]);
    expect(frames.map((frame) => frame.id)).toEqual([undefined, '1', '2', '3', undefined]);
    expect(Number(frames[0].retry)).toBeGreaterThanOrEqual(1_000);
    expect(frames[3].data).toMatchObject({
      operation_id: id,
      sequence_number: 3,
      timestamp: expect.any(String) as string,
      result: { done: true },
    });
    expect(frames[4].data).toMatchObject({ operation_id: id, status: 'completed' });
  });

  it('goes from replay to live without a gap or a double, for many watchers at once', async () => {
    const EVENTS = 200;
    const ready = gate();
    world.script.run = async (ctx) => {
      for (let n = 1; n <= EVENTS; n += 1) {
        await progress(ctx, n / 10);
        if (n === 20) ready.open();
      }
      return {};
    };
    const { id } = await world.begin();
    await ready.promise;
    const streams = await Promise.all(Array.from({ length: 5 }, async () => allFrames(await open(id))));
    const expected = Array.from({ length: EVENTS + 3 }, (_, n) => String(n + 1));
    for (const frames of streams) {
      expect(frames.flatMap((frame) => frame.id ?? [])).toEqual(expected);
      expect(frames.at(-1)).toMatchObject({ event: 'stream_end', data: { status: 'completed' } });
    }
  });

  it('is resumed exactly by an EventSource whose connection is cut again and again', async () => {
    const EVENTS = 60;
    const watching = gate();
    world.script.run = async (ctx) => {
      await watching.promise;
      for (let n = 1; n <= EVENTS; n += 1) await progress(ctx, n);
      return {};
    };
    const { id } = await world.begin();
    const seen: number[] = [];
    let cuts = 0;
    await new Promise<void>((resolve, reject) => {
      const source = new EventSource(`${base}/v1/operations/${id}/stream`, {
        // Comes back at once: what is tested is where it goes on, not when.
        fetch: (url, init) =>
          fetch(url, init)
            .then((response) => (cuts < 5 ? cut(response, 3) : response))
            .then((r) => fast(r)),
      });
      const take = ({ lastEventId }: MessageEvent): void => {
        seen.push(Number(lastEventId));
        watching.open();
      };
      for (const type of ['queue_update', 'operation_started', 'operation_progress', 'operation_completed']) {
        source.addEventListener(type, take);
      }
      source.addEventListener('stream_end', () => {
        source.close();
        resolve();
      });
      source.onerror = ({ code }) => {
        if (code !== undefined) reject(new Error(`answered ${code}`));
      };
    });
    expect(cuts).toBe(5);
    expect(seen).toEqual(Array.from({ length: EVENTS + 3 }, (_, n) => n + 1));

    /** Lets so many frames with an id through, then drops the connection. */
    function cut(response: Response, frames: number): Response {
      let text = '';
      const body = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(
        new TransformStream<string, string>({
          transform(chunk, controller) {
            text += chunk;
            const complete = text.split(/(?<=\n\n)/);
            text = complete.at(-1)!.endsWith('\n\n') ? '' : complete.pop()!;
            for (const frame of complete) {
              controller.enqueue(frame);
              if (/^id:/m.test(frame) && --frames === 0) {
                cuts += 1;
                return controller.terminate();
              }
            }
          },
        }),
      );
      return answer(response, body.pipeThrough(new TextEncoderStream()));
    }

    function fast(response: Response): Response {
      const body = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(
        new TransformStream<string, string>({
          transform: (chunk, controller) => controller.enqueue(chunk.replace(/^retry: \d+/m, 'retry: 1')),
        }),
      );
      return answer(response, body.pipeThrough(new TextEncoderStream()));
    }

    /** A response with its address, which a constructed one does not have. */
    function answer({ status, headers, url }: Response, body: ReadableStream): Response {
      return Object.defineProperty(new Response(body, { status, headers }), 'url', { value: url });
    }
  });

  it('starts at from_sequence, and after Last-Event-ID where both are given', async () => {
    const id = await finished();
    const ids = async (...options: Parameters<typeof open> extends [string, ...infer R] ? R : never) =>
      (await allFrames(await open(id, ...options))).flatMap((frame) => frame.id ?? []);
    expect(await ids({ query: '?from_sequence=0' })).toEqual(['1', '2', '3']);
    expect(await ids({ query: '?from_sequence=2' })).toEqual(['2', '3']);
    expect(await ids({ lastEventId: '2' })).toEqual(['3']);
    expect(await ids({ query: '?from_sequence=1', lastEventId: '2' })).toEqual(['3']);
  });

  it('answers 204 when the last event was seen', async () => {
    const response = await open(await finished(), { lastEventId: '3' });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
  });

  it.each(['99', 'x'])(
    'sends the current state when Last-Event-ID is %s, which the log does not have',
    async (lastEventId) => {
      const id = await finished();
      const frames = await allFrames(await open(id, { lastEventId }));
      expect(frames.map(({ event }) => event)).toEqual(['connected', 'resync', 'stream_end']);
      expect(frames[1].data).toMatchObject({
        operation_id: id,
        status: 'completed',
        result: { done: true },
        last_sequence: 3,
      });
    },
  );

  it('sends the current state and what is left when events after Last-Event-ID were pruned', async () => {
    const id = await finished();
    await world.query('delete from operation_event where operation_id = $1 and sequence < 3', [id]);
    const frames = await allFrames(await open(id, { lastEventId: '1' }));
    expect(frames.map(({ event }) => event)).toEqual(['connected', 'resync', 'operation_completed', 'stream_end']);
  });

  it('ends when its events are pruned while it replays them', async () => {
    // More bytes than the sockets between server and client hold.
    const EVENTS = 4_000;
    const id = await finished();
    await world.query(
      `insert into operation_event (operation_id, sequence, type, data)
       select $1, n, 'operation_progress', jsonb_build_object('message', repeat('x', 4000)) from generate_series(4, $2) n`,
      [id, EVENTS],
    );
    await world.query('update operation set last_sequence = $2 where id = $1', [id, EVENTS]);
    await world.query(
      `update operation_event set type = 'operation_progress' where operation_id = $1 and sequence = 3`,
      [id],
    );
    const seen: Frame[] = [];
    for await (const frame of framesOf(await open(id))) {
      seen.push(frame);
      // Retention removes an ended operation with all that belongs to it.
      if (seen.length === 2) await world.query('delete from operation where id = $1', [id]);
    }
    const stored = seen.flatMap((frame) => frame.id ?? []).map(Number);
    expect(stored.length).toBeLessThan(EVENTS);
    expect(stored).toEqual(stored.map((_, n) => n + 1));
    expect(seen.slice(-2)).toMatchObject([
      { event: 'resync', data: { operation_id: id, status: 'completed' } },
      { event: 'stream_end', data: { operation_id: id, status: 'completed' } },
    ]);
    expect((await open(id)).status).toBe(404);
  });

  it('ends when the operation is still there and its events are not', async () => {
    const id = await finished();
    await world.query('delete from operation_event where operation_id = $1', [id]);
    const frames = await allFrames(await open(id));
    expect(frames.map(({ event }) => event)).toEqual(['connected', 'resync', 'stream_end']);
  });

  it('is not found, or refused as a problem, before any header of a stream is sent', async () => {
    const unknown = await open('op_01JAAAAAAAAAAAAAAAAAAAAAAA');
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ code: 'operation_not_found' });
    expect((await open(await finished(), { query: '?from_sequence=-1' })).status).toBe(422);
  });

  it('refuses more streams than a user may have with 429, and takes them again when one closes', async () => {
    const done = gate();
    world.script.run = () => done.promise.then(() => ({}));
    const { id } = await world.begin();
    const clients = Array.from({ length: 5 }, () => new AbortController());
    await Promise.all(clients.map(({ signal }) => open(id, {}, signal)));
    const refused = await open(id);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await refused.json()).toMatchObject({ code: 'too_many_streams' });
    clients[0].abort();
    const deadline = Date.now() + 40_000;
    let status = 429;
    let again!: Response;
    while (status === 429 && Date.now() < deadline) ({ status } = again = await open(id));
    expect(status).toBe(200);
    done.open();
    expect((await allFrames(again)).at(-1)).toMatchObject({ event: 'stream_end' });
    for (const client of clients) client.abort();
    await world.ended(id);
  });

  it('sends comments while nothing happens, and goes on after the listening connection was lost', async () => {
    const done = gate();
    world.script.run = async (ctx) => {
      await done.promise;
      await progress(ctx, 1);
      return {};
    };
    const { id } = await world.begin();
    const seen: Frame[] = [];
    for await (const frame of framesOf(await open(id))) {
      seen.push(frame);
      if (frame.comment === 'ping') {
        const client = new Client({ connectionString: database.url });
        await client.connect();
        await client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = 'graphstead-listen' and datname = current_database()`,
        );
        await client.end();
        done.open();
      }
    }
    expect(seen.map(({ comment }) => comment)).toContain('ping');
    expect(seen.flatMap((frame) => frame.id ?? [])).toEqual(['1', '2', '3', '4']);
    expect(seen.at(-1)).toMatchObject({ event: 'stream_end', data: { status: 'completed' } });
  });

  it('ends at once when the process shuts down, so that clients go on elsewhere', async () => {
    const other = await OperationsWorld.start(database.url, { ROLES: 'api' });
    const done = gate();
    world.script.run = () => done.promise.then(() => ({}));
    const { id } = await world.begin();
    const response = await fetch(`${await other.url()}/v1/operations/${id}/stream`);
    const frames = framesOf(response);
    expect((await frames.next()).value).toMatchObject({ event: 'connected' });
    const closed = other.close();
    const rest: Frame[] = [];
    try {
      for await (const frame of frames) rest.push(frame);
    } catch (error) {
      // Its end and the end of the connection come together; either is news for the client.
      expect(error).toMatchObject({ message: 'terminated' });
    }
    expect(rest.map(({ event }) => event)).not.toContain('stream_end');
    await closed;
    done.open();
    await world.ended(id);
  });
});
