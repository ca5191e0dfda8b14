import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What queries used, which were slow, and which run for long now. */
export class QueryMetering1765000071000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`alter table query_stat
      add column max_ms double precision not null default 0,
      add column rows bigint not null default 0,
      add column bytes bigint not null default 0`);
    await q.query(`create table slow_query (
      id text primary key,
      graph_id text not null references graph on delete cascade,
      user_id uuid,
      statement text not null,
      started_at timestamptz not null,
      ms double precision not null,
      rows bigint not null,
      outcome text not null
    )`);
    await q.query('create index slow_query_graph on slow_query (graph_id, started_at desc, id desc)');
    // Unlogged: written again every second by each process, for what is running.
    await q.query(`create unlogged table running_query (
      id text primary key,
      process_id uuid not null,
      graph_id text not null,
      user_id uuid not null,
      statement text not null,
      started_at timestamptz not null,
      rows bigint not null,
      seen_at timestamptz not null
    )`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table running_query, slow_query');
    await q.query('alter table query_stat drop column max_ms, drop column rows, drop column bytes');
  }
}
