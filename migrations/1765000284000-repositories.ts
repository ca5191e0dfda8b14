import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Graphs that others may subscribe to, and who may read them. */
export class Repositories1765000284000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table repository (
      name text primary key,
      graph_id text not null unique references graph on delete cascade,
      description text,
      plans jsonb not null,
      -- False: those who subscribed go on reading, nobody else can subscribe.
      is_offered boolean not null,
      created_at timestamptz not null,
      updated_at timestamptz not null
    )`);
    await q.query(`create table repository_grant (
      id uuid primary key,
      repository text not null references repository on delete cascade,
      graph_id text not null references graph on delete cascade,
      org_id uuid not null references org,
      -- One subscription grants once.
      subscription_id uuid not null unique references subscription,
      plan text not null,
      monthly_credits numeric(14, 2) not null,
      granted_at timestamptz not null,
      revoked_at timestamptz
    )`);
    // An organisation reads a repository by one subscription at a time.
    await q.query(`create unique index repository_grant_live on repository_grant (repository, org_id)
      where revoked_at is null`);
    await q.query(
      'create index repository_grant_of_graph on repository_grant (graph_id, org_id) where revoked_at is null',
    );
    // A pool belongs to a graph or to a grant.
    await q.query('alter table credit_pool drop constraint credit_pool_graph_id_fkey');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('delete from credit_pool p where not exists (select from graph g where g.id = p.graph_id)');
    await q.query(`alter table credit_pool add constraint credit_pool_graph_id_fkey
      foreign key (graph_id) references graph on delete cascade`);
    await q.query('drop table repository_grant, repository');
  }
}
