import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Runs of Dagster that operations stand for, and what became of the reports on what was done here. */
export class Dagster1765000240000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table dagster_run (
      operation_id text primary key references operation on delete cascade,
      job text not null,
      created_at timestamptz not null default now(),
      -- Written before a launch is sent: from then on there may be a run.
      launch_begun_at timestamptz,
      run_id text,
      cursor text,
      seen jsonb not null default '{}',
      -- When the platform last asked for the end of a run whose operation had ended before it.
      stop_asked_at timestamptz,
      -- Every run of the operation has ended, and no more can come.
      settled_at timestamptz
    )`);
    await q.query('create index dagster_run_unsettled on dagster_run (operation_id) where settled_at is null');
    await q.query(`create table dagster_report (
      operation_id text primary key references operation on delete cascade,
      tries integer not null default 0,
      next_try_at timestamptz not null default now(),
      delivered_at timestamptz,
      dropped_at timestamptz
    )`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table dagster_report');
    await q.query('drop table dagster_run');
  }
}
