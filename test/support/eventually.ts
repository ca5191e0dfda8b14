import { setTimeout as delay } from 'node:timers/promises';

/** Asks again until the answer is accepted; fails with `what` at the deadline. For what no event tells of. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T> | T,
  accept: (answer: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (accept(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}; last: ${JSON.stringify(answer)}`);
    await delay(25);
  }
}
