import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { DataDirectoryInUse, EmbeddedPostgres } from './embedded-postgres';

const DEADLINE_MS = 20_000;

describe('EmbeddedPostgres', () => {
  let directory: string;
  let cluster: EmbeddedPostgres;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'gs-pg-'));
    cluster = await EmbeddedPostgres.start(directory);
    await ask(cluster, 'create table kept (n int)');
    await ask(cluster, 'insert into kept values (7)');
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function ask(of: EmbeddedPostgres, sql: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: of.url() });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }
  const postmaster = (): number =>
    Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);

  it('listens on no network address and lets no other user in', async () => {
    expect(await ask(cluster, 'show listen_addresses')).toEqual([{ listen_addresses: '' }]);
    expect(await ask(cluster, 'show unix_socket_permissions')).toEqual([{ unix_socket_permissions: '0700' }]);
  });

  it('is never started twice: while its owner lives, a second one is refused', async () => {
    await expect(EmbeddedPostgres.start(directory)).rejects.toThrow(DataDirectoryInUse);
    expect(await ask(cluster, 'select n from kept')).toEqual([{ n: 7 }]);
  });

  it('starts again by itself, with its data, when it is killed', async () => {
    const before = postmaster();
    execFileSync('kill', ['-9', String(before)]);
    const deadline = Date.now() + DEADLINE_MS;
    let rows: unknown;
    while (rows === undefined && Date.now() < deadline) {
      rows = await ask(cluster, 'select n from kept').catch(() => undefined);
    }
    expect(rows).toEqual([{ n: 7 }]);
    expect(postmaster()).not.toBe(before);
  });
});
