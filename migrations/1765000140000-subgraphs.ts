import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a subgraph has beside what every graph has, and which of its generations came from its parent. */
export class Subgraphs1765000140000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table subgraph (
      graph_id text primary key references graph on delete cascade,
      name text not null,
      -- Counts up among the subgraphs of one parent.
      index integer not null,
      type text not null check (type in ('static', 'temporal')),
      metadata jsonb,
      forked boolean not null,
      -- As they were asked for; null where everything is copied, and where nothing is.
      fork_options jsonb,
      expires_at timestamptz,
      -- The operation that made it, or does so now.
      operation_id text
    )`);
    await q.query('create index subgraph_expiry on subgraph (expires_at) where expires_at is not null');
    await q.query('create index graph_parent on graph (parent_id) where parent_id is not null');
    // Of generations that are the parent's data: which of the parent's they are.
    await q.query('alter table generation add column parent_generation integer');
    // While one of these operations runs, the generation's files stay, whatever is published meanwhile.
    await q.query(`create table generation_use (
      graph_id text not null,
      number integer not null,
      operation_id text not null references operation on delete cascade,
      primary key (graph_id, number, operation_id),
      foreign key (graph_id, number) references generation on delete cascade
    )`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table generation_use, subgraph');
    await q.query('alter table generation drop column parent_generation');
    await q.query('drop index graph_parent');
  }
}
