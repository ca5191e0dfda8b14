import { setTimeout as delay } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '../support/database';
import { type OperationsWorld, TEST_ACTOR } from '../support/operations-world';
import { emptyQueue } from '../support/queue-profile';
import { flawsOf } from './leftovers';
import { AT_ONCE, ManyWork, startWorld } from './many-work';
import { chaos, LONG } from './seed';

const LOSSES = LONG ? 50 : 2;
/** More than run at once, so that most of them wait in the queue. */
const OPERATIONS = 3 * AT_ONCE;

describe('a queue that loses all that it has', () => {
  let database: TestDatabase;
  let world: OperationsWorld;

  beforeAll(async () => {
    database = await testDatabase();
  });

  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });

  chaos(
    'delays operations and loses none, and runs none twice',
    async (chance) => {
      const runs: string[] = [];
      world = await startWorld(database.url, 'api,worker,sensors', async ({ operationId }) => {
        runs.push(operationId);
        await delay(chance.between(0, 200));
        return {};
      });
      for (let loss = 0; loss < LOSSES; loss += 1) {
        runs.length = 0;
        const begun = await Promise.all(
          Array.from({ length: OPERATIONS }, () =>
            world.tx.run((em) =>
              world.operations.begin(em, ManyWork, { actor: TEST_ACTOR, orgId: null, graphId: null, payload: {} }),
            ),
          ),
        );
        const ids = begun.map(({ id }) => id);
        await delay(chance.between(0, 150));
        await emptyQueue(database.url);
        for (const id of ids) {
          expect(await world.ended(id, 60_000)).toMatchObject({ status: 'completed', attempt: 1 });
          expect(await flawsOf(database.url, id)).toEqual([]);
        }
        expect([...runs].sort()).toEqual([...ids].sort());
      }
    },
    LOSSES * 100_000,
  );
});
