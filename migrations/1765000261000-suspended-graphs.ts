import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Since when a graph is suspended, and why. */
export class SuspendedGraphs1765000261000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query('alter table graph add column suspended_at timestamptz, add column suspension_reason text');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('alter table graph drop column suspended_at, drop column suspension_reason');
  }
}
