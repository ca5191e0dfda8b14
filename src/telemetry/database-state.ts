import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';

/** An answer of the database stays good for so long before it is asked again. */
const FRESH_MS = 1_000;
/** Older knowledge than this is not given out. */
const STALE_MS = 5_000;
/** A database that does not answer in this time is down. */
const ANSWER_MS = 2_000;

export type DatabaseState = 'up' | 'down';

/**
 * Whether the database answers, asked at most once a second however many want to know. Who asks gets what was true
 * moments ago at once, so that health checks neither wait behind the work of a busy pool nor add to it.
 */
@Injectable()
export class DatabaseStates {
  private known: { state: DatabaseState; at: number } | undefined;
  private asking: Promise<DatabaseState> | undefined;

  constructor(private readonly transactor: Transactor) {}

  current(): DatabaseState | Promise<DatabaseState> {
    const age = this.known === undefined ? Infinity : performance.now() - this.known.at;
    if (age > FRESH_MS) this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.known !== undefined && age < STALE_MS ? this.known.state : this.asking!;
  }

  private async ask(): Promise<DatabaseState> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<DatabaseState>((resolve) => {
      timer = setTimeout(() => resolve('down'), ANSWER_MS);
    });
    const answer = this.transactor.em.query('select 1').then(
      (): DatabaseState => 'up',
      (): DatabaseState => 'down',
    );
    const state = await Promise.race([answer, silence]);
    clearTimeout(timer);
    this.known = { state, at: performance.now() };
    return state;
  }
}
