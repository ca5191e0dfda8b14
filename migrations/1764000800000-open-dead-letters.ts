import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Counting the dead letters that are still open does not get slower with those that were looked after. */
export class OpenDeadLetters1764000800000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create index dead_letter_open on dead_letter (operation_id) where status = 'open'`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop index dead_letter_open');
  }
}
