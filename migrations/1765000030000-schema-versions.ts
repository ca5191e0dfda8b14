import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every schema that a graph had or was to have; the applied one of the highest number is in the graph's row. */
export class SchemaVersions1765000030000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table graph_schema_version (
      graph_id text not null references graph on delete cascade,
      number integer not null,
      status text not null check (status in ('pending', 'applied', 'failed')),
      schema jsonb not null,
      base integer,
      changes jsonb not null default '[]',
      operation_id text,
      generation integer,
      created_by uuid,
      created_at timestamptz not null default now(),
      applied_at timestamptz,
      primary key (graph_id, number)
    )`);
    await q.query(`insert into graph_schema_version (graph_id, number, status, schema, created_by, created_at, applied_at)
      select id, 1, 'applied', schema, created_by, created_at, created_at from graph`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table graph_schema_version');
  }
}
