import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A history that is fast to filter and to prune with millions of operations, and event streams that say what was pruned. */
export class OperationHistory1765000000000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    for (const statement of [...FILTERS, ...RETENTION]) await q.query(statement);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table org_event_horizon');
    await q.query(`drop index operation_of_graph_ended_badly, operation_of_org_by_type, operation_of_user_alone, operation_retry,
      operation_of_type_ended`);
    await q.query(`create index operation_completed on operation (type, ended_at) where status = 'completed'`);
  }
}

const FILTERS = [
  // What people look for among many that went well, for those who see single graphs of an organisation.
  `create index operation_of_graph_ended_badly on operation (graph_id, status, id)
    where status in ('failed', 'cancelled')`,
  `create index operation_of_org_by_type on operation (org_id, type, id)`,
  // Those of no graph are few, and are found without reading all that their user ever began.
  `create index operation_of_user_alone on operation (user_id, id) where graph_id is null`,
  // Which operation does another one again.
  `create index operation_retry on operation (retry_of) where retry_of is not null`,
];

const RETENTION = [
  // Each type is kept for a time of its own. Serves the rates of the queues as well, most of what ends was completed.
  `drop index operation_completed`,
  `create index operation_of_type_ended on operation (type, ended_at) where ended_at is not null`,
  // The last event of each organisation that was pruned: who has not read past it has missed some.
  `create table org_event_horizon (
    org_id uuid primary key,
    xid xid8 not null,
    position bigint not null
  )`,
];
