import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, QueryFailedError } from 'typeorm';

/** Serialisation failure and deadlock: the only failures that a second run of the same work can cure. */
const WORTH_ANOTHER_RUN = new Set(['40001', '40P01']);
const RUNS = 5;

/** Opens transactions. Work passed to {@link run} may run more than once, so it does database work only. */
@Injectable()
export class Transactor {
  constructor(private readonly dataSource: DataSource) {}

  /** Runs `work` in one transaction; commits when it returns, rolls back when it throws. */
  async run<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    for (let run = 1; ; run += 1) {
      try {
        return await this.dataSource.transaction(work);
      } catch (error) {
        if (run === RUNS || !WORTH_ANOTHER_RUN.has(sqlState(error) ?? '')) throw error;
      }
    }
  }

  /** For reads that need no transaction of their own. */
  get em(): EntityManager {
    return this.dataSource.manager;
  }
}

/** The SQLSTATE of a failed statement, such as 23505 for a unique violation. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof QueryFailedError)) return undefined;
  return (error.driverError as { code?: string }).code;
}
