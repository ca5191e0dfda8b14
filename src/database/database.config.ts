import { integer, Setting } from '../config/setting';

export class DatabaseConfig {
  @Setting(
    'DATABASE_POOL_SIZE',
    integer({ min: 2, max: 200 }),
    'connections to Postgres that one process may open for its own tables',
  )
  readonly poolSize: number = 10;
}
