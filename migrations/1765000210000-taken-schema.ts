import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a generation that is behind its files has taken of them, so that a later schema can be met by it after all. */
export class TakenSchema1765000210000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query('alter table generation add column taken jsonb');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('alter table generation drop column taken');
  }
}
