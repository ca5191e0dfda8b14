import { testDatabase, type TestDatabase } from '../../test/support/database';
import { OperationsWorld } from '../../test/support/operations-world';
import { Platform } from '../../test/support/platform';
import { StaleAttemptError } from '../operations/operations.errors';
import { LeaseBoard } from './lease-board';

/** Keeps the event loop of this process, which is the worker's, from turning. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('a worker whose event loop is blocked', () => {
  let database: TestDatabase;
  let remove: () => Promise<void>;
  /** Looks for expired leases in a process of its own, which goes on while this one is blocked. */
  let sensors: Platform;
  let world: OperationsWorld | undefined;

  beforeAll(async () => {
    database = await testDatabase();
    const directory = await Platform.newDataDir();
    remove = directory.remove;
    const settings = { DATABASE_URL: database.url, ROLES: 'sensors', REAPER_SECONDS: '1' };
    sensors = await Platform.start(directory.dataDir, settings);
  }, 60_000);
  afterEach(() => world?.close());
  afterAll(async () => {
    await sensors?.stop();
    await remove?.();
    await database?.drop();
  });

  const start = (settings: Record<string, string>) =>
    OperationsWorld.start(database.url, {
      ROLES: 'api,worker',
      LEASE_SECONDS: '2',
      LEASE_RENEW_SECONDS: '1',
      ...settings,
    });
  const outcomes = (id: string) =>
    world!.query('select attempt, outcome from operation_attempt where operation_id = $1 order by attempt', [id]);

  it('keeps its operation for longer than a lease', async () => {
    world = await start({ BLOCKED_LOOP_SECONDS: '30' });
    world.script.run = async (ctx) => {
      block(5_000);
      return ctx.transaction(async () => ({ attempt: ctx.attempt }));
    };
    const { id } = await world.begin();
    expect(await world.ended(id)).toMatchObject({ status: 'completed', attempt: 1, result: { attempt: 1 } });
    expect(await outcomes(id)).toEqual([{ attempt: 1, outcome: 'completed' }]);
  });

  it('loses it when it is blocked for longer than BLOCKED_LOOP_SECONDS, and writes nothing afterwards', async () => {
    world = await start({ BLOCKED_LOOP_SECONDS: '2' });
    const refused = new Promise<unknown>((resolve) => {
      world!.script.run = async (ctx) => {
        if (ctx.attempt > 1) return { attempt: ctx.attempt };
        block(7_000);
        return ctx
          .transaction(async () => ({ late: true }))
          .catch((error: unknown) => {
            resolve(error);
            throw error;
          });
      };
    });
    const { id } = await world.begin();
    expect(await refused).toBeInstanceOf(StaleAttemptError);
    expect((await outcomes(id))[0]).toEqual({ attempt: 1, outcome: 'lost' });
    expect((await world.operations.get(id)).result ?? {}).not.toHaveProperty('late');
    expect(await world.eventTypes(id)).toContain('operation_retrying');
  });
});

describe('LeaseBoard', () => {
  it('shows its other side what is noted, and that the loop turns', () => {
    const board = new LeaseBoard();
    const other = new LeaseBoard(board.memory);
    const first = board.put('op_1.1')!;
    board.put('op_22.3');
    expect(other.keys().sort()).toEqual(['op_1.1', 'op_22.3']);
    board.clear(first);
    board.put('op_4.1');
    expect(other.keys().sort()).toEqual(['op_22.3', 'op_4.1']);
    board.beat();
    expect(other.beats).toBe(1);
  });

  it('refuses more than it has room for, and takes more again when some have gone', () => {
    const board = new LeaseBoard();
    const slots: number[] = [];
    for (let slot = board.put('op.1'); slot !== undefined; slot = board.put('op.1')) slots.push(slot);
    expect(new Set(slots).size).toBe(board.keys().length);
    board.clear(slots[0]);
    expect(board.put('op.2')).toBe(slots[0]);
  });
});
