import { Logger } from '@nestjs/common';
import type { Operation } from '../operations/operation.entity';

/** An attempt that this process makes: what it is, and the switch that stops it. */
export class RunningAttempt {
  private readonly logger = new Logger(RunningAttempt.name);
  private readonly controller = new AbortController();
  /** When the lease was last granted or renewed, by the monotonic clock of this process. */
  leasedAt = performance.now();

  constructor(readonly operation: Operation) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The first reason stays: a cancel that meets a shutdown is still a cancel. */
  abort(reason: Error): void {
    if (!this.signal.aborted) this.controller.abort(reason);
  }

  /**
   * The outcome of the work. Once aborted, the work gets `graceMs` to stop; then this rejects with the reason of the
   * abort, and what the work still does is without effect, because its attempt is over.
   */
  async outcomeOf<T>(work: Promise<T>, graceMs: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const givenUp = new Promise<never>((_, reject) => {
      const startGrace = (): void => {
        timer = setTimeout(() => {
          this.logger.warn(`${this.operation.id}: the work did not stop within ${graceMs} ms; going on without it`);
          reject(this.signal.reason as Error);
        }, graceMs);
      };
      if (this.signal.aborted) startGrace();
      else this.signal.addEventListener('abort', startGrace, { once: true });
    });
    try {
      return await Promise.race([work, givenUp]);
    } finally {
      clearTimeout(timer);
      // Its late failure belongs to nobody.
      work.catch((error: unknown) => this.logger.debug(`${this.operation.id}: ${String(error)}`));
    }
  }
}
