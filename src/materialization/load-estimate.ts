/** Less than this says nothing about what is to come. */
const LEAST_MS = 500;

/** How long a load will still take, by the rate at which rows came so far. */
export class LoadEstimate {
  private begun: number | undefined;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whole seconds until the last of `total` rows, or null while too little was measured to say. */
  secondsLeft(rows: number, total: number): number | null {
    this.begun ??= this.now();
    const elapsed = this.now() - this.begun;
    if (rows >= total) return 0;
    if (rows === 0 || elapsed < LEAST_MS) return null;
    return Math.ceil(((elapsed / rows) * (total - rows)) / 1_000);
  }
}
