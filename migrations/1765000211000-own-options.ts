import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a file says itself, beside what it got from its table: so that it can follow its table until it is read. */
export class OwnOptions1765000211000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query('alter table staged_file add column own_options jsonb');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('alter table staged_file drop column own_options');
  }
}
