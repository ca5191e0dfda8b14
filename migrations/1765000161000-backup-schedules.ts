import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When backups of a graph are made without anybody asking, and how many of them stay. */
export class BackupSchedules1765000161000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table backup_schedule (
      id uuid primary key,
      graph_id text not null references graph on delete cascade,
      org_id uuid not null,
      name text not null,
      cron text not null,
      time_zone text not null,
      retention_days integer not null,
      -- How many of its completed backups stay; null for as many as there are.
      keep_count integer,
      paused boolean not null,
      created_by uuid not null,
      created_at timestamptz not null,
      -- Null while it is paused.
      next_run_at timestamptz,
      last_run_at timestamptz,
      last_backup_id uuid,
      -- Why the last time it was due there was no backup.
      last_error jsonb
    )`);
    await q.query('create index backup_schedule_graph on backup_schedule (graph_id, created_at, id)');
    await q.query('create index backup_schedule_due on backup_schedule (next_run_at)');
    await q.query(`alter table backup add column schedule_id uuid references backup_schedule on delete set null`);
    await q.query(
      'create index backup_of_schedule on backup (schedule_id, created_at desc) where schedule_id is not null',
    );
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('alter table backup drop column schedule_id');
    await q.query('drop table backup_schedule');
  }
}
