import { integer, Setting } from '../config/setting';

export class DatabaseConfig {
  @Setting(
    'DATABASE_POOL_SIZE',
    integer({ min: 2, max: 200 }),
    'connections to Postgres that one process may open for its own tables',
  )
  readonly poolSize: number = 10;

  @Setting(
    'DATABASE_IDLE_TRANSACTION_SECONDS',
    integer({ min: 1, max: 3_600 }),
    'silence in the middle of a transaction after which Postgres ends it, so that a process that hangs lets its rows go',
  )
  readonly idleTransactionSeconds: number = 10;
}
