import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { isWorthAnotherRun } from './passing-failures';

const RUNS = 5;

/** Opens transactions. Work passed to {@link run} may run more than once, so it does database work only. */
@Injectable()
export class Transactor {
  private readonly committed = new WeakMap<EntityManager, (() => void)[]>();
  private readonly lastWrites: ((em: EntityManager) => Promise<void>)[] = [];

  constructor(private readonly dataSource: DataSource) {}

  /** Runs `work` in one transaction; commits when it returns, rolls back when it throws. */
  async run<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    for (let run = 1; ; run += 1) {
      try {
        return await this.once(work);
      } catch (error) {
        if (run === RUNS || !isWorthAnotherRun(error)) throw error;
      }
    }
  }

  /** Calls `hook` once the transaction of this `em` is committed, not after a rollback. */
  afterCommit(em: EntityManager, hook: () => void): void {
    const hooks = this.committed.get(em);
    if (!hooks) throw new Error('afterCommit needs the entity manager of a transaction that Transactor.run has opened');
    hooks.push(hook);
  }

  /** Calls `write` as the last thing in every transaction from now on; what it throws rolls the transaction back. */
  beforeEveryCommit(write: (em: EntityManager) => Promise<void>): void {
    this.lastWrites.push(write);
  }

  private async once<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    const hooks: (() => void)[] = [];
    const result = await this.dataSource.transaction(async (em) => {
      this.committed.set(em, hooks);
      const done = await work(em);
      for (const write of this.lastWrites) await write(em);
      return done;
    });
    for (const hook of hooks) hook();
    return result;
  }

  /** For reads that need no transaction of their own. */
  get em(): EntityManager {
    return this.dataSource.manager;
  }
}
