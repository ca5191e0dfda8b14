import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What each generation holds, what it followed, and a history of materializations. */
export class Materializations1765000040000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`alter table generation
      add column files uuid[] not null default '{}',
      add column other_rows boolean not null default false,
      add column previous integer,
      add column schema jsonb,
      drop constraint generation_status_check,
      add constraint generation_status_check
        check (status in ('building', 'live', 'retired', 'collecting', 'collected', 'abandoned'))`);
    // Until now every materialization loaded all that was staged.
    await q.query(`update generation g set
        files = array(select id from staged_file f where f.graph_id = g.graph_id and f.materialized_generation = g.number),
        schema = (select schema from graph where id = g.graph_id)
      where status = 'live'`);
    await q.query(`create table materialization (
      graph_id text not null references graph on delete cascade,
      generation integer not null,
      operation_id text not null,
      mode text not null,
      base_generation integer,
      -- What was loaded: [{file_id, file_name, table_name, row_count}], and what became of it by table.
      files jsonb not null,
      tables jsonb not null,
      rows_loaded bigint not null,
      rows_rejected bigint not null,
      started_at timestamptz not null,
      published_at timestamptz not null,
      primary key (graph_id, generation)
    )`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table materialization');
    await q.query(`update generation set status = 'collected' where status = 'collecting'`);
    await q.query(`alter table generation drop column files, drop column other_rows, drop column previous, drop column schema,
      drop constraint generation_status_check,
      add constraint generation_status_check check (status in ('building', 'live', 'retired', 'collected', 'abandoned'))`);
  }
}
