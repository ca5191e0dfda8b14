import { Injectable } from '@nestjs/common';
import { AttemptsRepository } from './attempts.repository';
import { Dispatcher } from './dispatcher';
import { JobsConfig } from './jobs.config';
import { Sensor } from './sensor';

const BATCH = 500;

/**
 * Tells the queue again of pending operations that it may not have: delivery failed, the process died between commit
 * and delivery, or the queue was lost. Its first look takes all that is pending, so a restart goes on at once.
 */
@Injectable()
export class Sweeper extends Sensor {
  private first = true;

  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly dispatcher: Dispatcher,
    private readonly config: JobsConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.sweeperSeconds * 1000;
  }

  async look(): Promise<void> {
    const now = await this.attempts.now();
    const before = this.first ? now : new Date(now.getTime() - this.config.resendSeconds * 1000);
    let taken;
    do {
      taken = await this.attempts.takeUndelivered(before, BATCH);
      this.dispatcher.send(taken);
      await this.dispatcher.delivered();
    } while (taken.length === BATCH);
    this.first = false;
  }
}
