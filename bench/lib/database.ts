import { Client } from 'pg';
import type { BenchPlatform } from './platform';

/** The embedded Postgres' database of a platform, over a connection of the benchmark's own; `end()` it. */
export async function connectTo(platform: BenchPlatform, database = 'graphstead'): Promise<Client> {
  const { socketDirectory, port } = await platform.postgres();
  const client = new Client({ host: socketDirectory, port, user: 'postgres', database });
  await client.connect();
  return client;
}
