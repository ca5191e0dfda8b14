import { runMigrations as runQueueMigrations } from 'bullmq';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { MIGRATIONS } from '../../migrations';

/** Any number, used by nothing else in this database: one process migrates, the others wait for it. */
const MIGRATION_LOCK = 7_283_411;
/** The schema that holds the queue's own tables. */
export const QUEUE_SCHEMA = 'bullmq';

/** Brings the database to the newest schema, the queue's tables included. Safe when many processes start at once. */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await runQueueMigrations(client, QUEUE_SCHEMA);
    const dataSource = await new DataSource({
      type: 'postgres',
      url: databaseUrl,
      migrations: MIGRATIONS,
    }).initialize();
    try {
      await dataSource.runMigrations({ transaction: 'each' });
    } finally {
      await dataSource.destroy();
    }
  } finally {
    // Ending the session gives the lock back.
    await client.end();
  }
}
