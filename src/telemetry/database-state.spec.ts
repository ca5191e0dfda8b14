import type { Transactor } from '../database/transactor';
import { DatabaseStates } from './database-state';

/** A database whose answers the test gives. */
class Database {
  readonly asked: { answer: () => void; fail: () => void }[] = [];
  readonly em = {
    query: () =>
      new Promise<void>((resolve, reject) => {
        this.asked.push({ answer: () => resolve(), fail: () => reject(new Error('gone')) });
      }),
  };
}

describe('the state of the database', () => {
  let database: Database;
  let states: DatabaseStates;

  beforeEach(() => {
    jest.useFakeTimers();
    database = new Database();
    states = new DatabaseStates(database as unknown as Transactor);
  });
  afterEach(() => jest.useRealTimers());

  it('is asked once for all who want to know', async () => {
    const answers = [states.current(), states.current(), states.current()];
    expect(database.asked).toHaveLength(1);
    database.asked[0].answer();
    expect(await Promise.all(answers.map(async (answer) => answer))).toEqual(['up', 'up', 'up']);
    expect(states.current()).toBe('up');
    expect(database.asked).toHaveLength(1);
  });

  it('is given at once, as it was a moment ago, while a slow answer is awaited', async () => {
    const first = states.current();
    database.asked[0].answer();
    await first;
    jest.advanceTimersByTime(1_500);
    expect(states.current()).toBe('up');
    expect(database.asked).toHaveLength(2);
    database.asked[1].fail();
    await jest.advanceTimersByTimeAsync(0);
    expect(states.current()).toBe('down');
  });

  it('is down where no answer comes', async () => {
    const first = states.current();
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await first).toBe('down');
  });

  it('is not given out when it is old', async () => {
    const first = states.current();
    database.asked[0].answer();
    await first;
    jest.advanceTimersByTime(6_000);
    expect(states.current()).toBeInstanceOf(Promise);
  });
});
