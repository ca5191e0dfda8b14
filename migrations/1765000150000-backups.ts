import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Backups of graphs, the keys that they are encrypted with, and generations that are kept while one is made of them. */
export class Backups1765000150000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    // Ids of the operations that read the generation's files.
    await q.query(`alter table generation add column pinned_by text[] not null default '{}'`);
    await q.query(`create table org_data_key (
      org_id uuid primary key references org on delete cascade,
      -- Encrypted with a master key of the installation's settings, which is named and not kept here.
      wrapped bytea not null,
      master_key text not null,
      created_at timestamptz not null default now()
    )`);
    await q.query(`create table backup (
      id uuid primary key,
      graph_id text not null references graph on delete cascade,
      org_id uuid not null references org on delete cascade,
      kind text not null check (kind in ('manual', 'scheduled', 'system')),
      format text not null check (format in ('full_dump', 'csv', 'json', 'parquet')),
      status text not null check (status in ('in_progress', 'completed', 'failed')),
      labels text[] not null default '{}',
      retention_days integer not null,
      operation_id text,
      created_by uuid,
      generation integer,
      manifest jsonb,
      object_key text,
      original_bytes bigint not null default 0,
      stored_bytes bigint not null default 0,
      error jsonb,
      created_at timestamptz not null default now(),
      started_at timestamptz,
      completed_at timestamptz,
      verified_at timestamptz,
      expires_at timestamptz not null
    )`);
    await q.query('create index backup_graph on backup (graph_id, created_at desc, id)');
    await q.query('create index backup_expiry on backup (expires_at)');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table backup, org_data_key');
    await q.query('alter table generation drop column pinned_by');
  }
}
