import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '../../src/common/domain-error';
import { Dispatcher } from '../../src/jobs/dispatcher';
import type { OperationContext } from '../../src/jobs/operation-context';
import { Queues } from '../../src/jobs/queues';
import { Reaper } from '../../src/jobs/reaper.sensor';
import { OperationEnded } from '../../src/operations/operations.errors';
import { type TestDatabase, testDatabase } from '../support/database';
import { gate, OperationsWorld, TEST_ACTOR, untilAborted } from '../support/operations-world';
import { flawsOf } from './leftovers';
import { chaos, type Chance, LONG } from './seed';

class Passing extends DomainError {
  readonly code = 'passing';
  readonly kind = 'unavailable';
  override readonly retryable = true;
}

const RACES = LONG ? 1_000 : 100;
/** As many as a worker of the test's type runs at once. */
const AT_ONCE = 4;

describe('two who do the same at once', () => {
  let database: TestDatabase;
  /** Two processes' worth of everything; the tests themselves ask the sensors to look. */
  let one: OperationsWorld;
  let two: OperationsWorld;

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { ROLES: 'api,worker', SHUTDOWN_GRACE_SECONDS: '0' };
    one = await OperationsWorld.start(database.url, settings);
    two = await OperationsWorld.start(database.url, settings, { script: one.script });
  });

  afterAll(async () => {
    await Promise.all([one?.close(), two?.close()]);
    await database?.drop();
  });

  const intact = async (operationId: string): Promise<void> => {
    expect(await flawsOf(database.url, operationId)).toEqual([]);
  };

  chaos(
    'reap an operation once',
    async () => {
      for (let round = 0; round < RACES / 20; round += 1) {
        one.script.run = ({ attempt, signal }) => (attempt === 1 ? untilAborted(signal) : Promise.resolve({ attempt }));
        const begun = await Promise.all(Array.from({ length: AT_ONCE }, () => one.begin()));
        for (const { id } of begun) await one.until(id, ({ status }) => status === 'running');
        await Promise.all(begun.map(({ id }) => one.expireLease(id)));
        const reapers = [one, two, one, two].map((world) => world.app.get(Reaper).look());
        await Promise.all(reapers);
        for (const { id } of begun) {
          expect(await one.ended(id)).toMatchObject({ status: 'completed', attempt: 2 });
          const types = await one.eventTypes(id);
          expect(types.filter((type) => type === 'operation_retrying')).toHaveLength(1);
          await intact(id);
        }
      }
    },
    300_000,
  );

  chaos(
    'deliver and claim an operation once',
    async (chance) => {
      const runs: string[] = [];
      one.script.run = async ({ operationId }) => ({ run: runs.push(operationId) });
      for (let round = 0; round < RACES / 10; round += 1) {
        const { id } = await one.begin();
        const copies = chance.between(1, 10);
        const jobs = Array.from({ length: copies }, (_, copy) => ({
          name: 'test_work',
          data: { operationId: id },
          opts: { jobId: `${id}.copy${copy}` },
        }));
        await chance.sample([one, two], 1)[0].app.get(Queues).of('test_work')!.addBulk(jobs);
        expect(await one.ended(id)).toMatchObject({ status: 'completed', attempt: 1 });
        await intact(id);
      }
      expect(runs).toHaveLength(RACES / 10);
      expect(new Set(runs).size).toBe(runs.length);
    },
    300_000,
  );

  /** Begins one operation, lets `end` decide its work, cancels it `lead` ms later than a moment of chance, and checks the outcome. */
  async function cancelAgainst(
    chance: Chance,
    lead: number,
    end: (ctx: OperationContext) => Promise<object>,
  ): Promise<string> {
    const working = gate<OperationContext>();
    const graph = await one.begin({ note: String(chance.next()) });
    const { id } = graph;
    works.set(id, async (ctx) => {
      working.open(ctx);
      await delay(Math.max(0, -lead));
      return end(ctx);
    });
    const moment = chance.between(0, 12) + Math.max(0, lead);
    const from = chance.next() < 0.5 ? one : two;
    if (chance.next() < 0.8) await working.promise;
    await delay(moment);
    const refused = await from.operations.cancel(TEST_ACTOR, id).then(
      () => false,
      (error: unknown) => {
        if (error instanceof OperationEnded) return true;
        throw error;
      },
    );
    const { status } = await one.ended(id);
    await intact(id);
    // Whoever was told that it had ended already is not told later that it was cancelled.
    if (refused) expect(status).toBe('completed');
    works.delete(id);
    return status;
  }

  const works = new Map<string, (ctx: OperationContext) => Promise<object>>();

  async function race(chance: Chance, end: (ctx: OperationContext) => Promise<object>): Promise<Map<string, number>> {
    one.script.run = async (ctx) => {
      const work = works.get(ctx.operationId);
      // The test learns the id only after the commit; a worker may be faster.
      return work ? work(ctx) : delay(5).then(() => (works.get(ctx.operationId) ?? end)(ctx));
    };
    const outcomes = new Map<string, number>();
    // Whoever lost starts earlier the next time: the rounds stay near the finish, however fast or busy the machine is.
    let lead = 0;
    for (let round = 0; round < RACES / AT_ONCE; round += 1) {
      const statuses = await Promise.all(Array.from({ length: AT_ONCE }, () => cancelAgainst(chance, lead, end)));
      for (const status of statuses) {
        outcomes.set(status, (outcomes.get(status) ?? 0) + 1);
        lead += (status === 'cancelled' ? 1 : -1) * (1 + Math.abs(lead) / 2);
      }
    }
    expect([...outcomes.values()].reduce((sum, count) => sum + count)).toBe(RACES);
    return outcomes;
  }

  chaos(
    'cancel and complete with one outcome',
    async (chance) => {
      const outcomes = await race(chance, async ({ signal }) => {
        // Some work stops when it is told to, other work is over by then.
        await delay(chance.between(0, 12), undefined, chance.next() < 0.5 ? { signal } : {});
        return {};
      });
      // Otherwise it was no race.
      expect([...outcomes.keys()].sort()).toEqual(['cancelled', 'completed']);
    },
    600_000,
  );

  chaos(
    'cancel and try again with one outcome',
    async (chance) => {
      const outcomes = await race(chance, async ({ attempt, signal }) => {
        await delay(chance.between(0, 12), undefined, chance.next() < 0.5 ? { signal } : {});
        if (attempt === 1) throw new Passing('Try again');
        return {};
      });
      expect([...outcomes.keys()].sort()).toEqual(['cancelled', 'completed']);
    },
    600_000,
  );

  chaos(
    'cancel and reap with one outcome',
    async (chance) => {
      for (let round = 0; round < RACES / 20; round += 1) {
        one.script.run = ({ attempt, signal }) => (attempt === 1 ? untilAborted(signal) : Promise.resolve({}));
        const { id } = await one.begin();
        await one.until(id, ({ status }) => status === 'running');
        await one.expireLease(id);
        const moments = [chance.between(0, 5), chance.between(0, 5)];
        const cancel = delay(moments[0]).then(() => one.operations.cancel(TEST_ACTOR, id));
        await Promise.all([delay(moments[1]).then(() => two.app.get(Reaper).look()), cancel.catch(unlessEnded)]);
        await one.app.get(Reaper).look();
        await one.app.get(Dispatcher).delivered();
        expect(['cancelled', 'completed']).toContain((await one.ended(id)).status);
        await intact(id);
      }
    },
    300_000,
  );
});

function unlessEnded(error: unknown): void {
  if (!(error instanceof OperationEnded)) throw error;
}
