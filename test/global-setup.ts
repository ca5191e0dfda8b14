import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '../src/database/migrate';
import { EmbeddedPostgres } from '../src/database/embedded-postgres';

/** One cluster for each run of jest, one migrated template in it; every spec file clones the template (`testDatabase`). */
export default async function setUp(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'gs-'));
  const cluster = await EmbeddedPostgres.start(root, {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '300',
    // A transaction that a killed process of one spec left would hold back the streams of all organisations in the others.
    idle_in_transaction_session_timeout: '20s',
  });
  try {
    await migrate(cluster.url());
    await numberDatabases(cluster.url('postgres'));
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  process.env.TEST_DATABASE_URL = cluster.url();
  Object.assign(globalThis, { testCluster: { cluster, root } });
}

/** Databases of the tests are numbered, over all of the processes that make some. */
async function numberDatabases(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('create sequence test_database');
  } finally {
    await client.end();
  }
}
