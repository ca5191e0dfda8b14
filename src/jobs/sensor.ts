import { type BeforeApplicationShutdown, Inject, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { PlatformConfig } from '../config/platform.config';

/**
 * A small reconciler: looks at once when a process with the role `sensors` starts, and then again and again. Looks of
 * one process never overlap; looks of several processes may, so each must be safe beside another.
 */
export abstract class Sensor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  @Inject()
  protected readonly platform!: PlatformConfig;
  protected readonly logger = new Logger(this.constructor.name);
  private timer?: NodeJS.Timeout;
  private looking: Promise<void> = Promise.resolve();
  /** The process is to end: what is left of a look has its turn in another one. */
  protected stopped = false;

  /** Milliseconds from the end of one look to the next. */
  protected abstract get intervalMs(): number;

  /** Finds what is due or stuck and repairs it. What it throws is logged, and the next look comes all the same. */
  abstract look(): Promise<void>;

  onApplicationBootstrap(): void {
    if (this.platform.has('sensors')) this.lookAndAgain();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
  }

  private lookAndAgain(): void {
    this.looking = this.look()
      .catch((error: Error) => this.logger.error(error.message, error.stack))
      .then(() => {
        if (!this.stopped) this.timer = setTimeout(() => this.lookAndAgain(), this.intervalMs);
      });
  }
}
