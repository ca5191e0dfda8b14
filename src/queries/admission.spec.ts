import { EngineBusy } from '../engine/engine.errors';
import { Admission, type Place } from './admission';
import { TooManyQueries } from './queries.errors';

/** Longer than a test process lives: whoever still waits at the end of a test is never told. */
const FOREVER = 2 ** 31 - 1;
const never = new AbortController().signal;
const place = (orgId: string, graphId: string, more: Partial<Place> = {}): Place => ({
  orgId,
  graphId,
  concurrent: 4,
  waiting: 100,
  ...more,
});

describe('admission', () => {
  let now = 0;
  const admission = (limits = {}) =>
    new Admission({ total: 4, perOrg: 4, waiting: 1_000, background: { total: 4, perGraph: 4 }, ...limits }, () => now);
  /** Asks for a place; `entered` hears of it by name. */
  const ask = async (to: Admission, name: string, where: Place, entered: string[]): Promise<() => void> => {
    const leave = await to.admit(where, FOREVER, never);
    entered.push(name);
    return leave;
  };
  const settled = () => new Promise(setImmediate);

  it('lets in at once while there is room', () => {
    const to = admission();
    for (let i = 0; i < 4; i += 1) expect(to.admit(place('a', 'g'), FOREVER, never)).toBeInstanceOf(Function);
    expect(to.admit(place('a', 'g'), FOREVER, never)).toBeInstanceOf(Promise);
    expect(to.waiting).toBe(1);
  });

  it('serves organisations in turn, however many queries one of them sends', async () => {
    const to = admission({ total: 1 });
    const entered: string[] = [];
    const first = await ask(to, 'noisy', place('noisy', 'g'), []);
    const leaves: Promise<() => void>[] = [];
    for (let i = 0; i < 50; i += 1) leaves.push(ask(to, 'noisy', place('noisy', 'g'), entered));
    for (let i = 0; i < 3; i += 1) leaves.push(ask(to, 'quiet', place('quiet', 'q'), entered));
    for (const leave of leaves) void leave.then((done) => setImmediate(done));
    first();
    await Promise.all(leaves);
    expect(entered.slice(0, 6).filter((name) => name === 'quiet')).toHaveLength(3);
    expect(entered).toHaveLength(53);
  });

  it('serves the graphs of one organisation in turn, and the queries of a graph in their order', async () => {
    const to = admission({ total: 1 });
    const entered: string[] = [];
    const first = await ask(to, '', place('a', 'one'), []);
    const leaves = ['one 1', 'one 2', 'one 3', 'two 1', 'two 2'].map((name) =>
      ask(to, name, place('a', name.slice(0, 3)), entered),
    );
    for (const leave of leaves) void leave.then((done) => setImmediate(done));
    first();
    await Promise.all(leaves);
    expect(entered.filter((name) => name.startsWith('one'))).toEqual(['one 1', 'one 2', 'one 3']);
    expect(entered.slice(0, 4).filter((name) => name.startsWith('two'))).toEqual(['two 1', 'two 2']);
  });

  describe('while one graph wants much more than another one', () => {
    const crowd = (to: Admission, graphId: string, entered: string[]): void => {
      for (let i = 0; i < 20; i += 1) void ask(to, graphId, place('a', graphId, { concurrent: 50 }), entered);
    };
    /** One in which the quiet graph has just been asked. */
    const shared = (): Admission => {
      const to = admission({ total: 100, perOrg: 100 });
      (to.admit(place('a', 'quiet'), FOREVER, never) as () => void)();
      return to;
    };
    beforeEach(() => (now = 0));

    it('lets its queries enter one in each turn, whether or not those before them have left', async () => {
      const to = shared();
      const entered: string[] = [];
      crowd(to, 'noisy', entered);
      await Promise.resolve();
      const atOnce = entered.length;
      expect(atOnce).toBeLessThan(10);
      for (let turn = 1; turn <= 20 - atOnce; turn += 1) {
        await settled();
        expect(entered).toHaveLength(atOnce + turn);
      }
      expect(to.waiting).toBe(0);
    });

    it('lets the other one in at once', () => {
      const to = shared();
      crowd(to, 'noisy', []);
      expect(to.waiting).toBeGreaterThan(10);
      expect(to.admit(place('a', 'quiet'), FOREVER, never)).toBeInstanceOf(Function);
    });

    it('lets all of them in where the other one has not asked for a second, or wants as much', async () => {
      const alone = shared();
      now = 1_000;
      crowd(alone, 'noisy', []);
      expect(alone.waiting).toBe(0);
      const both = shared();
      const entered: string[] = [];
      crowd(both, 'one', entered);
      crowd(both, 'two', entered);
      await settled();
      expect(entered).toHaveLength(40);
    });
  });

  it('keeps places for other organisations', () => {
    const to = admission({ perOrg: 2 });
    for (let i = 0; i < 2; i += 1) to.admit(place('a', `g${i}`), FOREVER, never) as () => void;
    expect(to.admit(place('a', 'g3'), FOREVER, never)).toBeInstanceOf(Promise);
    expect(to.admit(place('b', 'h'), FOREVER, never)).toBeInstanceOf(Function);
  });

  it('refuses at once where the line of a graph is full, with a time to come again', () => {
    const to = admission();
    const where = place('a', 'g', { concurrent: 1, waiting: 1 });
    void to.admit(where, FOREVER, never);
    void to.admit(where, FOREVER, never);
    expect(() => to.admit(where, FOREVER, never)).toThrow(TooManyQueries);
    try {
      void to.admit(where, FOREVER, never);
    } catch (error) {
      expect(error).toMatchObject({ kind: 'too_many', details: { running: 1, waiting: 1 } });
      expect((error as TooManyQueries).retryAfterSeconds).toBeGreaterThanOrEqual(1);
    }
  });

  it('says that the platform is busy where others are in the way', async () => {
    const to = admission({ total: 1, waiting: 1 });
    void to.admit(place('a', 'g'), FOREVER, never);
    const waiting = to.admit(place('b', 'h'), 20, never);
    expect(() => to.admit(place('c', 'i'), FOREVER, never)).toThrow(EngineBusy);
    await expect(waiting).rejects.toBeInstanceOf(EngineBusy);
  });

  it('says that the sender is too many after waiting behind itself', async () => {
    const to = admission();
    const where = place('a', 'g', { concurrent: 1 });
    void to.admit(where, FOREVER, never);
    await expect(to.admit(where, 20, never)).rejects.toBeInstanceOf(TooManyQueries);
  });

  it('forgets who went away while waiting', async () => {
    const to = admission({ total: 1 });
    const leave = to.admit(place('a', 'g'), FOREVER, never) as () => void;
    const gone = new AbortController();
    const left = to.admit(place('a', 'g'), FOREVER, gone.signal);
    const entered: string[] = [];
    void ask(to, 'next', place('a', 'g'), entered);
    gone.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect(to.waiting).toBe(1);
    leave();
    await settled();
    expect(entered).toEqual(['next']);
  });

  it('counts a place once, however often it is left', async () => {
    const to = admission({ total: 1 });
    const leave = to.admit(place('a', 'g'), FOREVER, never) as () => void;
    leave();
    leave();
    const next = to.admit(place('a', 'g'), FOREVER, never) as () => void;
    expect(to.admit(place('a', 'g'), FOREVER, never)).toBeInstanceOf(Promise);
    next();
    await settled();
    expect(to.waiting).toBe(0);
  });

  describe('of background work', () => {
    const background = (graphId: string, more: Partial<Place> = {}) =>
      place('a', graphId, { background: true, ...more });

    it('leaves places to those at the door', () => {
      const to = admission({ total: 8, perOrg: 8, background: { total: 3, perGraph: 2 } });
      for (let i = 0; i < 2; i += 1) expect(to.admit(background('g'), FOREVER, never)).toBeInstanceOf(Function);
      expect(to.admit(background('g'), FOREVER, never)).toBeInstanceOf(Promise);
      expect(to.admit(background('h'), FOREVER, never)).toBeInstanceOf(Function);
      expect(to.admit(background('h'), FOREVER, never)).toBeInstanceOf(Promise);
      // Those who wait in the background are in nobody's way.
      for (let i = 0; i < 2; i += 1) expect(to.admit(place('a', 'g'), FOREVER, never)).toBeInstanceOf(Function);
    });

    it('leaves one place of a graph that has two', () => {
      const to = admission();
      expect(to.admit(background('g', { concurrent: 2 }), FOREVER, never)).toBeInstanceOf(Function);
      expect(to.admit(background('g', { concurrent: 2 }), FOREVER, never)).toBeInstanceOf(Promise);
      expect(to.admit(place('a', 'g', { concurrent: 2 }), FOREVER, never)).toBeInstanceOf(Function);
    });

    it('lets others pass, but not for ever', async () => {
      const to = admission({ total: 1, perOrg: 1 });
      const served = async (passing: number): Promise<string[]> => {
        const entered: string[] = [];
        const first = await ask(to, '', place('a', 'g'), []);
        const leaves = [ask(to, 'background', background('g'), entered)];
        for (let i = 0; i < 3; i += 1) leaves.push(ask(to, 'door', place('a', 'g'), entered));
        for (const leave of leaves) void leave.then((done) => setImmediate(done));
        now += passing;
        first();
        await Promise.all(leaves);
        return entered;
      };
      expect(await served(9_000)).toEqual(['door', 'door', 'door', 'background']);
      expect((await served(11_000))[0]).toBe('background');
    });

    it('is never refused for the length of its line', () => {
      const to = admission({ waiting: 1, total: 1, perOrg: 1 });
      for (let i = 0; i < 5; i += 1) void to.admit(background('g', { waiting: 1 }), FOREVER, never);
      expect(to.waiting).toBe(4);
    });
  });
});
