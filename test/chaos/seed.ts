import { relative } from 'node:path';

/** `CHAOS=long`: every step, many runs; otherwise a short sample for every `npm test`. */
export const LONG = process.env.CHAOS === 'long';

/** The short form is the same every time unless told otherwise; the long one looks elsewhere with each run. */
const SEED = Number(process.env.CHAOS_SEED ?? (LONG ? Date.now() % 1_000_000_000 : 1));

/** Chance that can be repeated: the same seed gives the same choices. */
export class Chance {
  constructor(private state: number) {}

  /** At least 0 and below 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** So many different ones, in an order of chance. */
  sample<T>(from: readonly T[], count: number): T[] {
    const left = [...from];
    const taken: T[] = [];
    while (left.length > 0 && taken.length < count) taken.push(...left.splice(this.between(0, left.length - 1), 1));
    return taken;
  }
}

/** A test that makes choices of its own; when it fails it says how to make the same ones again. */
export function chaos(name: string, body: (chance: Chance) => Promise<void>, timeoutMs: number): void {
  it(
    name,
    async () => {
      try {
        await body(new Chance(SEED));
      } catch (error) {
        const file = relative(process.cwd(), expect.getState().testPath ?? '');
        const repeat = `CHAOS_SEED=${SEED} ${LONG ? 'CHAOS=long ' : ''}npx jest ${file} -t '${name}'`;
        const failure = error instanceof Error ? error : new Error(String(error));
        failure.message += `\n\nRepeat with: ${repeat}`;
        // What jest prints is the stack, which holds an older copy of the message.
        failure.stack = `${failure.stack}\n\nRepeat with: ${repeat}`;
        throw failure;
      }
    },
    timeoutMs,
  );
}
