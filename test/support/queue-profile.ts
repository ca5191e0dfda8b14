import { Redis } from 'ioredis';
import { Client } from 'pg';
import { QUEUE_SCHEMA } from '../../src/database/migrate';

/** A Redis-compatible server that nobody else uses, with as many databases as a run of the tests makes in Postgres. */
const SERVER = process.env.QUEUE_URL;
const DEADLOCK = '40P01';

/**
 * The settings of the queue that belongs to a test's database: in that database itself, or, where `QUEUE_URL` names a
 * server, in the database of the same number there. Test files that run side by side do not meet in either.
 */
export function queueSettings(databaseUrl: string | undefined): { QUEUE_URL?: string } {
  if (SERVER === undefined || databaseUrl === undefined) return {};
  const url = new URL(SERVER);
  url.pathname = `/${numberIn(databaseUrl)}`;
  return { QUEUE_URL: url.href };
}

/** Loses every job of every queue that belongs to a test's database, as a server does that was restarted empty. */
export async function emptyQueue(databaseUrl: string): Promise<void> {
  const { QUEUE_URL: url } = queueSettings(databaseUrl);
  if (url === undefined) return truncateQueueTables(databaseUrl);
  const server = new Redis(url);
  try {
    await server.flushdb();
  } finally {
    server.disconnect();
  }
}

async function truncateQueueTables(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
       where schemaname = $1 and tablename not like '%migration%'`,
      [QUEUE_SCHEMA],
    );
    await truncate(client, rows.map(({ name }) => name).join(', '));
  } finally {
    await client.end();
  }
}

/** The queue's own statements may want the same tables in another order; whom of the two Postgres ends is chance. */
async function truncate(client: Client, tables: string): Promise<void> {
  try {
    await client.query(`truncate ${tables}`);
  } catch (error) {
    if ((error as { code?: string }).code !== DEADLOCK) throw error;
    await truncate(client, tables);
  }
}

/** Databases of tests are called `t_<number>`, from 1 on; a cluster that a test has for itself has the queue's first one. */
function numberIn(databaseUrl: string): string {
  return /\/t_(\d+)$/.exec(new URL(databaseUrl).pathname)?.[1] ?? '0';
}
