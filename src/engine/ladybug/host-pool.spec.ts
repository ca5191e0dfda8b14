import { EngineBusy } from '../engine.errors';
import { HostPool, type PooledHost } from './host-pool';

class FakeHost implements PooledHost {
  memory = 0;
  isWorn = false;
  closed = false;
  private end!: () => void;
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));

  constructor(readonly key: string) {}

  memoryBytes(): number {
    return this.memory;
  }

  worn(): boolean {
    return this.isWorn;
  }

  close(): Promise<void> {
    this.closed = true;
    this.end();
    return this.ended;
  }

  crash(): void {
    this.end();
  }
}

function poolOf(options: { maxHosts?: number; idleCloseMs?: number } = {}): {
  pool: HostPool<FakeHost>;
  started: FakeHost[];
} {
  const started: FakeHost[] = [];
  const pool = new HostPool<FakeHost>(
    { maxHosts: 2, idleCloseMs: 60_000, totalBytes: 1_000, ...options },
    async (key) => {
      await Promise.resolve();
      if (key === 'broken') throw new Error('cannot open');
      const host = new FakeHost(key);
      started.push(host);
      return host;
    },
  );
  return { pool, started };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('host pool', () => {
  it('starts one host however many ask at once', async () => {
    const { pool, started } = poolOf();
    const leases = await Promise.all([pool.acquire('a', 0), pool.acquire('a', 0), pool.acquire('a', 0)]);
    expect(new Set(leases.map((lease) => lease.host)).size).toBe(1);
    expect(started).toHaveLength(1);
    expect(pool.peek('a')?.leases).toBe(3);
  });

  it('makes room by closing the longest idle', async () => {
    const { pool, started } = poolOf();
    (await pool.acquire('a', 0)).release();
    (await pool.acquire('b', 0)).release();
    (await pool.acquire('a', 0)).release();
    await pool.acquire('c', 0);
    expect(started.map((host) => [host.key, host.closed])).toEqual([
      ['a', false],
      ['b', true],
      ['c', false],
    ]);
    expect(pool.size).toBe(2);
  });

  it('waits for room while all are busy, then gives up', async () => {
    const { pool } = poolOf();
    const first = await pool.acquire('a', 0);
    await pool.acquire('b', 0);
    await expect(pool.acquire('c', 20)).rejects.toBeInstanceOf(EngineBusy);
    const waiting = pool.acquire('c', 5_000);
    await turn();
    first.release();
    expect((await waiting).host.key).toBe('c');
  });

  it('takes over a host that was started elsewhere where there is room, and closes it like others', async () => {
    const { pool, started } = poolOf({ maxHosts: 1 });
    const offered = new FakeHost('a');
    expect(pool.offer('a', offered)).toBe(true);
    expect((await pool.acquire('a', 0)).host).toBe(offered);
    expect([pool.offer('a', new FakeHost('a')), pool.offer('b', new FakeHost('b'))]).toEqual([false, false]);
    expect(started).toEqual([]);
    await pool.evict('a', 0);
    expect([offered.closed, pool.size]).toEqual([true, 0]);
    await pool.closeAll(0);
    expect(pool.offer('a', new FakeHost('a'))).toBe(false);
  });

  it('forgets a host that ended by itself, and starts another', async () => {
    const { pool, started } = poolOf();
    (await pool.acquire('a', 0)).host.crash();
    await turn();
    expect(pool.peek('a')).toBeUndefined();
    await pool.acquire('a', 0);
    expect(started).toHaveLength(2);
  });

  it('tells all who asked that a host cannot start, and tries again for the next', async () => {
    const { pool } = poolOf();
    const answers = await Promise.allSettled([pool.acquire('broken', 0), pool.acquire('broken', 0)]);
    expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected']);
    await expect(pool.acquire('broken', 0)).rejects.toThrow('cannot open');
    expect(pool.size).toBe(0);
  });

  it('closes an idle host after its time, not while it is leased', async () => {
    jest.useFakeTimers();
    try {
      const { pool, started } = poolOf({ idleCloseMs: 1_000 });
      const lease = await pool.acquire('a', 0);
      await jest.advanceTimersByTimeAsync(5_000);
      expect(started[0].closed).toBe(false);
      lease.release();
      await jest.advanceTimersByTimeAsync(999);
      expect(started[0].closed).toBe(false);
      await jest.advanceTimersByTimeAsync(2);
      expect(started[0].closed).toBe(true);
      expect(pool.size).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('closes a worn host as soon as it falls idle', async () => {
    const { pool, started } = poolOf();
    const lease = await pool.acquire('a', 0);
    started[0].isWorn = true;
    lease.release();
    await turn();
    expect(started[0].closed).toBe(true);
  });

  it('replaces a worn host that is never idle, without a pause and without cutting a query off', async () => {
    const { pool, started } = poolOf({ maxHosts: 1 });
    const [long, short] = [await pool.acquire('a', 0), await pool.acquire('a', 0)];
    started[0].isWorn = true;
    short.release();
    const next = await pool.acquire('a', 0);
    expect(next.host).toBe(started[1]);
    expect(started[0].closed).toBe(false);
    long.release();
    await turn();
    expect(started.map((host) => host.closed)).toEqual([true, false]);
    expect(pool.peek('a')).toEqual({ host: started[1], leases: 1 });
  });

  it('waits for worn hosts too when it evicts', async () => {
    const { pool, started } = poolOf();
    const [long, short] = [await pool.acquire('a', 0), await pool.acquire('a', 0)];
    started[0].isWorn = true;
    short.release();
    let done = false;
    const evicted = pool.evict('a', 5_000).then(() => (done = true));
    await turn();
    expect(done).toBe(false);
    long.release();
    await evicted;
    expect(started[0].closed).toBe(true);
  });

  it('closes the longest idle while all together hold too much', async () => {
    const { pool, started } = poolOf({ maxHosts: 10 });
    (await pool.acquire('a', 0)).release();
    await pool.acquire('b', 0);
    started[0].memory = 600;
    started[1].memory = 500;
    const third = pool.acquire('c', 5_000);
    await turn();
    expect(started.map((host) => [host.key, host.closed])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ]);
    await third;
  });

  it('lets leases end before it evicts, and newcomers wait for that', async () => {
    const { pool, started } = poolOf();
    const lease = await pool.acquire('a', 0);
    const evicted = pool.evict('a', 5_000);
    const newcomer = pool.acquire('a', 5_000);
    await turn();
    expect(started[0].closed).toBe(false);
    lease.release();
    await evicted;
    expect(started[0].closed).toBe(true);
    expect((await newcomer).host).toBe(started[1]);
  });

  it('does not wait for leases beyond the grace', async () => {
    const { pool, started } = poolOf();
    await pool.acquire('a', 0);
    await pool.evict('a', 10);
    expect(started[0].closed).toBe(true);
  });

  it('opens nothing after it was closed', async () => {
    const { pool, started } = poolOf();
    await pool.acquire('a', 0);
    await pool.closeAll(0);
    expect(started[0].closed).toBe(true);
    await expect(pool.acquire('b', 0)).rejects.toMatchObject({ code: 'engine_lost' });
  });
});
