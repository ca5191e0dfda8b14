import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Operators of the installation, dead letters that can be resolved, and a history that is fast to page and to prune. */
export class OperatorsAndDeadLetters1764000300000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    for (const statement of [...OPERATORS, ...DEAD_LETTERS, ...HISTORY]) await q.query(statement);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`drop index operation_of_org, operation_of_user, operation_of_graph, operation_of_org_ended_badly,
      operation_ended, idempotency_key_operation`);
    await q.query('create index operation_org on operation (org_id, created_at desc, id)');
    await q.query('create index operation_user on operation (user_id, created_at desc, id)');
    await q.query('create index operation_graph on operation (graph_id, created_at desc, id)');
    await q.query('alter table operation drop column retry_of');
    await q.query(`alter table dead_letter drop column status, drop column retried_as, drop column resolved_at,
      drop column resolved_by`);
    await q.query(triggerOn('is_active'));
    await q.query('alter table app_user drop column is_operator');
  }
}

/** Rights that processes remember for some seconds end with these changes. */
function triggerOn(columns: string): string {
  return `create or replace trigger app_user_access_changed after update of ${columns} or delete on app_user
    for each row execute function notify_access_changed()`;
}

const OPERATORS = [
  `alter table app_user add column is_operator boolean not null default false`,
  // An installation that exists already: its first user is the owner that its first start made.
  `update app_user set is_operator = true
   where id = (select id from app_user where is_active order by created_at, id limit 1)`,
  triggerOn('is_active, is_operator'),
];

const DEAD_LETTERS = [
  `alter table dead_letter
    add column status text not null default 'open' check (status in ('open', 'retried', 'discarded')),
    add column retried_as text,
    add column resolved_at timestamptz,
    add column resolved_by uuid`,
  // No foreign keys between an operation and its retry: either may outlive the other.
  `alter table operation add column retry_of text`,
];

const HISTORY = [
  // Ids sort by the time of their making, so the history is read and paged by id alone.
  `drop index operation_org, operation_user, operation_graph`,
  `create index operation_of_org on operation (org_id, id)`,
  `create index operation_of_user on operation (user_id, id)`,
  `create index operation_of_graph on operation (graph_id, id)`,
  // What people look for among many that went well.
  `create index operation_of_org_ended_badly on operation (org_id, status, id) where status in ('failed', 'cancelled')`,
  // Pruning looks for the oldest ends; deleting an operation looks for keys that name it.
  `create index operation_ended on operation (ended_at) where ended_at is not null`,
  `create index if not exists idempotency_key_operation on idempotency_key (operation_id)`,
];
