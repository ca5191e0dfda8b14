import { rmSync } from 'node:fs';
import type { EmbeddedPostgres } from '../src/database/embedded-postgres';

export default async function tearDown(): Promise<void> {
  const { cluster, root } = (globalThis as unknown as { testCluster: { cluster: EmbeddedPostgres; root: string } })
    .testCluster;
  await cluster.stop();
  rmSync(root, { recursive: true, force: true });
}
