import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which attempt's rejected rows count for an operation, and for how long they were kept. */
export class KeptRejects1765000130000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table kept_rejects (
      operation_id text primary key references operation on delete cascade,
      graph_id text not null,
      prefix text not null,
      tables jsonb not null,
      kept_at timestamptz not null default now(),
      removed_at timestamptz
    )`);
    await q.query('create index kept_rejects_due on kept_rejects (kept_at) where removed_at is null');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table kept_rejects');
  }
}
