import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Generations that hold less of their files than their schema asks for, and versions of schemas that say where they come from. */
export class SchemaFollowUp1765000131000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query('alter table generation add column behind text');
    await q.query('alter table graph_schema_version add column note text');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('alter table graph_schema_version drop column note');
    await q.query('alter table generation drop column behind');
  }
}
