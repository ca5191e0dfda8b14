import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The events of an organisation in one exact order, and how many streams each user has open, over all processes. */
export class OrgEvents1764000200000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    for (const statement of [...ORG_EVENTS, ...STREAM_COUNT]) await q.query(statement);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop function admit_streams');
    await q.query('drop table stream_count');
    await q.query('drop index operation_event_org');
    await q.query('alter table operation_event drop column org_id, drop column xid, drop column position');
  }
}

const ORG_EVENTS = [
  // A number alone gives no order to read by: a transaction that took its number first may commit last. Together with
  // the transaction's own id it does, for a reader that stops before the oldest transaction still running.
  `alter table operation_event
    add column org_id uuid,
    add column xid xid8 not null default pg_current_xact_id(),
    add column position bigint generated always as identity`,
  `update operation_event e set org_id = o.org_id from operation o where o.id = e.operation_id and o.org_id is not null`,
  `create index operation_event_org on operation_event (org_id, xid, position) where org_id is not null`,
];

const STREAM_COUNT = [
  // Unlogged: after a crash of the database every process counts its streams in again.
  `create unlogged table stream_count (
    user_id uuid not null,
    process_id uuid not null,
    open integer not null,
    seen_at timestamptz not null,
    primary key (user_id, process_id)
  )`,
  `create index stream_count_process on stream_count (process_id)`,
  // A function, because each of its statements sees what was committed while it waited for the lock; a single statement
  // with the lock inside would still look at the counts from before it waited.
  `create function admit_streams(
    for_user uuid, by_process uuid, held integer, wanted integer, most integer, stale interval
  ) returns integer language plpgsql volatile as $$
    declare
      others integer;
      granted integer;
    begin
      perform pg_advisory_xact_lock(hashtextextended(for_user::text, 7283412));
      select coalesce(sum(open), 0) into others from stream_count
        where user_id = for_user and process_id <> by_process and seen_at > clock_timestamp() - stale;
      granted := least(wanted, greatest(0, most - others - held));
      if held + granted > 0 then
        insert into stream_count as c (user_id, process_id, open, seen_at)
          values (for_user, by_process, held + granted, clock_timestamp())
          on conflict (user_id, process_id) do update set open = excluded.open, seen_at = excluded.seen_at;
      else
        delete from stream_count where user_id = for_user and process_id = by_process;
      end if;
      return granted;
    end $$`,
];
