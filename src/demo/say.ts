/** Writes a line of the demo. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** How long something took that began at this `performance.now()`. */
export function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}

/** A number as people read it. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}
