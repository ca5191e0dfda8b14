import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether a kept result was cut, and where in its bytes a page begins; queries of users who are gone. */
export class KeptResults1765000110000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`alter table query_result
      add column truncated boolean not null default false,
      add column line_offsets bigint[]`);
    await q.query('alter table running_query alter column user_id drop not null');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('delete from running_query');
    await q.query('alter table running_query alter column user_id set not null');
    await q.query('alter table query_result drop column truncated, drop column line_offsets');
  }
}
