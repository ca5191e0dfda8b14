interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Keeps a statement, and the locks that it takes, short. */
const MOST_AT_ONCE = 100;

/**
 * Sends what comes up in one turn, or while the batch before is on its way, as one batch: a busy process sends few
 * statements, and one with little to do waits for nothing.
 */
export class Batches<T, R> {
  private readonly waiting: Waiting<T, R>[] = [];
  private sending = false;

  /** `send` gives a result for each item, in their order; what it throws goes to everyone who waits for that batch. */
  constructor(private readonly send: (items: T[]) => Promise<R[]>) {}

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.sending) return;
      this.sending = true;
      setImmediate(() => void this.sendAll());
    });
  }

  private async sendAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, MOST_AT_ONCE);
      try {
        const results = await this.send(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => resolve(results[index]));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.sending = false;
  }
}
