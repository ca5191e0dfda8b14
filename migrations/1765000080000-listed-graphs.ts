import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A page of an organisation's graphs is read in the order of the list, however many there are. */
export class ListedGraphs1765000080000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query('create index graph_listed on graph (org_id, created_at, id)');
    await q.query('drop index graph_org');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('create index graph_org on graph (org_id, created_at)');
    await q.query('drop index graph_listed');
  }
}
