import type { MigrationInterface, QueryRunner } from 'typeorm';

/** News of every change that can end somebody's rights, for the processes that remember them for some seconds. */
export class Access1764000100000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    // Triggers, so that no writer, in code or by hand, can forget to tell the processes that remember rights. For each
    // row, because those for statements fire without rows too; one transaction sends equal messages only once.
    await q.query(`create function notify_access_changed() returns trigger language plpgsql as $$
      begin perform pg_notify('access_changed', tg_table_name); return null; end $$`);
    for (const [table, events] of Object.entries(CHANGES)) {
      await q.query(`create trigger ${table}_access_changed after ${events} on ${table}
        for each row execute function notify_access_changed()`);
    }
  }

  async down(q: QueryRunner): Promise<void> {
    for (const table of Object.keys(CHANGES)) await q.query(`drop trigger ${table}_access_changed on ${table}`);
    await q.query(`drop function notify_access_changed()`);
  }
}

const CHANGES: Record<string, string> = {
  app_user: 'update of is_active or delete',
  session: 'update of revoked_at, expires_at or delete',
  api_key: 'update of is_active, scopes, graph_ids, expires_at or delete',
  org_member: 'insert or update or delete',
  graph_member: 'insert or update or delete',
  graph: 'update of status, org_id, parent_id or delete',
};
