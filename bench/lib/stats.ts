/** The value below which a share `q` (0 to 1) of the values lies; values are real ones, never interpolated. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error('There is nothing to take a quantile of');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return (
    (quantile(values, 0.5) +
      -quantile(
        values.map((value) => -value),
        0.5,
      )) /
    2
  );
}

/** Some figures of a list of values, all in the values' unit. */
export interface Spread {
  count: number;
  min: number;
  p50: number;
  p99: number;
  max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    count: values.length,
    min: quantile(values, 0),
    p50: median(values),
    p99: quantile(values, 0.99),
    max: quantile(values, 1),
  };
}

/** Each value of `a` by the one of `b` that was measured right beside it. */
export function pairedRatios(a: readonly number[], b: readonly number[]): number[] {
  if (a.length !== b.length) throw new Error(`${a.length} and ${b.length} values are not pairs`);
  return a.map((value, index) => value / b[index]);
}

/** Milliseconds that `work` took, and what it gave. */
export async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const started = performance.now();
  const value = await work();
  return { ms: performance.now() - started, value };
}

/** Calls `look` until it gives something; throws after `withinMs`, saying what was waited for. */
export async function until<T>(what: string, withinMs: number, look: () => T | undefined | Promise<T | undefined>) {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs / 1000} s in vain for ${what}`);
    await pause(20);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
