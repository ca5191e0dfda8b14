import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Links by which backups were given out: bound to who asked, and counted against what a tier allows in a month. */
export class BackupDownloads1765000160000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table backup_download (
      id uuid primary key,
      -- No foreign key: it counts also when the backup is gone.
      backup_id uuid not null,
      graph_id text not null references graph on delete cascade,
      user_id uuid not null references app_user on delete cascade,
      -- The link ends with the key that asked for it.
      api_key_id uuid references api_key on delete cascade,
      created_at timestamptz not null,
      expires_at timestamptz not null
    )`);
    await q.query('create index backup_download_graph on backup_download (graph_id, created_at)');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table backup_download');
  }
}
