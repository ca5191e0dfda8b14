import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Graphs that wait for a place in their tier, with the operation that will create them; and graphs that are suspended. */
export class WaitingGraphs1765000260000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    // What an operation waits for before any worker may have it; null for most.
    await q.query('alter table operation add column held_for text');
    await q.query('create index operation_held on operation (held_for, id) where held_for is not null');
    await allow(q, ['queued', 'provisioning', 'active', 'suspended', 'failed', 'deleting', 'deleted']);
    await q.query(
      `create index graph_place on graph (tier) where parent_id is null and status not in ('queued', 'failed', 'deleted')`,
    );
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`update graph set status = 'active' where status = 'suspended'`);
    await q.query(`update graph set status = 'failed' where status = 'queued'`);
    await q.query(`update operation set run_after = now(), delivered_at = null where held_for is not null`);
    await q.query('drop index graph_place');
    await allow(q, ['provisioning', 'active', 'failed', 'deleting', 'deleted']);
    await q.query('alter table operation drop column held_for');
  }
}

async function allow(q: QueryRunner, statuses: string[]): Promise<void> {
  await q.query('alter table graph drop constraint graph_status_check');
  await q.query(
    `alter table graph add constraint graph_status_check check (status in (${statuses.map((one) => `'${one}'`).join(', ')}))`,
  );
}
