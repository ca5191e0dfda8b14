import { EngineWorld, until } from '../../../test/support/engine-world';
import type { GenerationRef } from '../graph-engine';
import { processTree } from './process-memory';

/** LadybugDB 0.19.1 dies of a function of lists that gets no list. */
const FATAL = 'MATCH (p:Person) RETURN list_contains(NULL, NULL) AS x';
const ENDLESS = 'MATCH (a:Person), (b:Person), (c:Person) WHERE a.id + b.id = c.id * c.id + 1 RETURN count(*) AS c';
const HUNGRY = 'UNWIND range(1, 300000000) AS x RETURN count(x) AS c';

const hostPids = (): number[] => processTree(process.pid).slice(1);

function hostPid(): number {
  const hosts = hostPids();
  expect(hosts).toHaveLength(1);
  return hosts[0];
}

describe('a graph whose query goes wrong', () => {
  let world: EngineWorld;
  let ring: GenerationRef;

  beforeAll(async () => {
    // A pool above the limit, so that the watch over the process ends it before the engine itself runs out.
    world = new EngineWorld({ hostMemoryMb: 400, bufferPoolMb: 4_096 });
    ring = await world.ring(5_000);
  });
  afterAll(() => world.end());

  const works = async (): Promise<void> => {
    expect((await world.rows(ring, 'MATCH (p:Person) RETURN count(*) AS c')).rows).toEqual([{ c: 5_000 }]);
  };

  it('ends a query at its timeout, and the next works', async () => {
    await expect(world.rows(ring, ENDLESS, {}, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'query_timeout',
      kind: 'timeout',
    });
    await works();
  });

  it('ends a host that does not obey the timeout', async () => {
    // Room enough that the time is up before the memory is; the engine does not look at its timeout while it builds a list.
    const roomy = new EngineWorld({ hostMemoryMb: 8_192, bufferPoolMb: 4_096 });
    try {
      const small = await roomy.ring(10);
      const hungry = roomy.rows(small, HUNGRY, {}, { timeoutMs: 50 });
      await expect(hungry).rejects.toMatchObject({ code: 'query_timeout', kind: 'timeout' });
      await until('its host is gone', () => roomy.engine.status(small).state === 'asleep');
      expect((await roomy.rows(small, 'RETURN 1 AS x')).rows).toEqual([{ x: 1 }]);
    } finally {
      await roomy.end();
    }
  });

  it('ends a query that eats memory; the next works, and one that ran beside it is answered all the same', async () => {
    const hungry = world.rows(ring, HUNGRY, {}, { timeoutMs: 60_000 });
    const refused = expect(hungry).rejects.toMatchObject({ code: 'query_out_of_memory', kind: 'unavailable' });
    await until('the query runs', () => world.engine.status(ring).runningQueries === 1);
    await works();
    await refused;
    await works();
  });

  it('runs everything again when the host is killed', async () => {
    const controller = new AbortController();
    const long = world.rows(ring, ENDLESS, {}, { timeoutMs: 60_000, signal: controller.signal });
    const cancelled = expect(long).rejects.toMatchObject({ code: 'query_cancelled' });
    await until('the query runs', () => world.engine.status(ring).runningQueries === 1);
    const bystander = world.rows(
      ring,
      'MATCH (a:Person), (b:Person) WHERE a.id + b.id = -1 RETURN count(*) AS c',
      {},
      { timeoutMs: 20_000 },
    );
    await until('both run', () => world.engine.status(ring).runningQueries === 2);
    process.kill(hostPid(), 'SIGKILL');
    expect((await bystander).rows).toEqual([{ c: 0 }]);
    controller.abort();
    await cancelled;
    await works();
  });

  it('finds out which statement ends the engine, and refuses it from then on; those beside it are answered', async () => {
    const fatal = (statement = FATAL) => world.rows(ring, statement, {}, { timeoutMs: 20_000 });
    const beside = Array.from({ length: 5 }, (_, n) =>
      world.rows(
        ring,
        `MATCH (a:Person), (b:Person) WHERE a.id + b.id = -${n + 1} RETURN count(*) AS c`,
        {},
        { timeoutMs: 60_000 },
      ),
    );
    await until('they run', () => world.engine.status(ring).runningQueries > 0);
    await expect(fatal()).rejects.toMatchObject({ code: 'statement_ends_engine', kind: 'bad_request' });
    for (const query of beside) expect((await query).rows).toEqual([{ c: 0 }]);
    await works();
    const pid = hostPid();
    for (let time = 0; time < 3; time += 1)
      await expect(fatal()).rejects.toMatchObject({ code: 'statement_ends_engine' });
    await works();
    expect(hostPid()).toBe(pid);
  }, 120_000);

  it('fails a stream that is cut in the middle, in the middle', async () => {
    const stream = await world.engine.query(ring, {
      statement: 'MATCH (p:Person), (q:Person) WHERE q.id < 100 RETURN p.name AS name, p.seen AS seen',
      parameters: {},
      timeoutMs: 10_000,
      format: 'ndjson',
    });
    const read = async (): Promise<void> => {
      for await (const batch of stream.batches) {
        expect(batch.rows).toBeGreaterThan(0);
        process.kill(hostPid(), 'SIGKILL');
        await until('the host is gone', () => world.engine.status(ring).state === 'asleep');
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'engine_lost' });
    await expect(stream.summary).rejects.toMatchObject({ code: 'engine_lost' });
    await works();
  });

  it('times a query out that waits for another, without harm to that', async () => {
    const narrow = new EngineWorld({ hostConnections: 1, hostThreads: 1 });
    try {
      const small = await narrow.ring(3_000);
      const long = expect(narrow.rows(small, ENDLESS, {}, { timeoutMs: 2_500 })).rejects.toMatchObject({
        code: 'query_timeout',
      });
      await until('it runs', () => narrow.engine.status(small).runningQueries === 1);
      const pid = hostPids().at(-1);
      await expect(narrow.rows(small, 'RETURN 1 AS x', {}, { timeoutMs: 100 })).rejects.toMatchObject({
        code: 'query_timeout',
      });
      await long;
      expect((await narrow.rows(small, 'RETURN 1 AS x')).rows).toEqual([{ x: 1 }]);
      expect(hostPids()).toContain(pid);
    } finally {
      await narrow.end();
    }
  });

  it('stops within 2 s when its caller goes away', async () => {
    const controller = new AbortController();
    const query = world.rows(ring, ENDLESS, {}, { timeoutMs: 60_000, signal: controller.signal });
    const cancelled = expect(query).rejects.toMatchObject({ code: 'query_cancelled' });
    await until('the query runs', () => world.engine.status(ring).runningQueries === 1);
    controller.abort();
    await cancelled;
    await until('the work stopped', () => world.engine.status(ring).runningQueries === 0);
    await works();
  });

  it('refuses a graph that is not there', async () => {
    const nowhere = { ...ring, directory: `${ring.directory}-gone` };
    await expect(world.rows(nowhere, 'RETURN 1 AS x')).rejects.toMatchObject({ code: 'graph_unreadable' });
    expect(world.engine.status(nowhere).state).toBe('asleep');
  });
});

describe('hosts', () => {
  it('wake once for many, make room for each other, close when idle, and are all gone at the end', async () => {
    const world = new EngineWorld({ maxHosts: 1, idleCloseSeconds: 1 });
    const [first, second] = [await world.ring(10), await world.ring(20)];
    const count = 'MATCH (p:Person) RETURN count(*) AS c';

    await Promise.all([world.rows(first, count), world.rows(first, count), world.rows(first, count)]);
    hostPid();
    expect(world.engine.status(first)).toMatchObject({ state: 'awake', runningQueries: 0 });

    expect((await world.rows(second, count)).rows).toEqual([{ c: 20 }]);
    expect(world.engine.status(first).state).toBe('asleep');
    expect(world.engine.status(second).state).toBe('awake');

    await until('the host closed', () => world.engine.status(second).state === 'asleep');
    await world.rows(first, count);
    await world.engine.release(first, 1_000);
    expect(world.engine.status(first).state).toBe('asleep');
    await world.engine.drop(first);
    await expect(world.rows(first, count)).rejects.toMatchObject({ code: 'graph_unreadable' });

    await world.rows(second, count);
    await world.end();
    expect(processTree(process.pid).slice(1)).toEqual([]);
  });
});
