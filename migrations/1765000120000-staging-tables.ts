import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Staging tables may be declared, with how their files are read; files may be set aside, or wait to be ingested. */
export class StagingTables1765000120000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      create table staging_table (
        graph_id text not null references graph on delete cascade,
        name text not null,
        -- For files that say nothing else.
        options jsonb not null default '{}',
        created_by uuid references app_user,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (graph_id, name)
      )`);
    await q.query(`
      alter table staged_file
        add column ingest_by uuid references app_user,
        add column ingest_operation_id text,
        drop constraint staged_file_status_check,
        add constraint staged_file_status_check
          check (status in ('pending', 'uploaded', 'staging', 'staged', 'failed', 'disabled', 'archived'))`);
    // What sensors look for.
    await q.query(`create index staged_file_pending on staged_file (created_at) where status = 'pending'`);
    await q.query(`
      create index staged_file_to_ingest on staged_file (graph_id)
        where ingest_by is not null and ingest_operation_id is null and status = 'staged'`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(
      `update staged_file set status = 'staged' where status in ('disabled', 'archived') and part_key is not null`,
    );
    await q.query(`update staged_file set status = 'uploaded' where status in ('disabled', 'archived')`);
    await q.query(`
      drop index staged_file_pending;
      drop index staged_file_to_ingest;
      alter table staged_file
        drop column ingest_by,
        drop column ingest_operation_id,
        drop constraint staged_file_status_check,
        add constraint staged_file_status_check
          check (status in ('pending', 'uploaded', 'staging', 'staged', 'failed'));
      drop table staging_table`);
  }
}
