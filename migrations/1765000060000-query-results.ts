import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Statements that run as operations, and the results that are kept of them for a while. */
export class QueryResults1765000060000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table query_result (
      operation_id text primary key references operation on delete cascade,
      graph_id text not null references graph on delete cascade,
      statement text not null,
      parameters jsonb not null,
      columns jsonb,
      row_count bigint,
      bytes bigint,
      object_key text,
      stored_at timestamptz,
      expires_at timestamptz,
      expired_at timestamptz
    )`);
    await q.query('create index query_result_due on query_result (expires_at) where expired_at is null');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table query_result');
  }
}
