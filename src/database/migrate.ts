import { runMigrations as runQueueMigrations } from 'bullmq';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { MIGRATIONS } from '../../migrations';

/** Any number, used by nothing else in this database: one process migrates, the others wait for it. */
const MIGRATION_LOCK = 7_283_411;
/** The schema that holds the queue's own tables. */
export const QUEUE_SCHEMA = 'bullmq';

/**
 * Events that a dump brought from another cluster name transactions that this one has not had yet, and nobody would ever
 * read them. Such an organisation's events get an id that is older than all others, so they keep the order of their
 * numbers; all of its events, so that clients with an id from before are told to begin anew instead of missing some.
 */
const FORGET_FOREIGN_TRANSACTIONS = `
  with foreign_org as (
    select o.id from org o where exists (
      select 1 from operation_event e where e.org_id = o.id and e.xid >= pg_snapshot_xmax(pg_current_snapshot()))
  ), horizon as (
    delete from org_event_horizon
      where org_id in (select id from foreign_org) or xid >= pg_snapshot_xmax(pg_current_snapshot())
  )
  update operation_event set xid = '3' where org_id in (select id from foreign_org)`;

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
      await dataSource.query(FORGET_FOREIGN_TRANSACTIONS);
    } finally {
      await dataSource.destroy();
    }
  } finally {
    // Ending the session gives the lock back.
    await client.end();
  }
}
