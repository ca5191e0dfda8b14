import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';

/**
 * Removes operations that ended long ago, with their events, attempts and settled dead letters. An open dead letter keeps
 * its operation: somebody still has to look at it.
 */
@Injectable()
export class OperationRetention {
  /** Operations that this process has removed since its start. */
  pruned = 0;

  constructor(private readonly tx: Transactor) {}

  /** Types with an operation that ended, known or not to this version. */
  async types(): Promise<string[]> {
    // Steps along the index from type to type instead of reading all that ever ended.
    const rows = await this.tx.em.query<{ type: string }[]>(
      `with recursive ended as (
         (select type from operation where ended_at is not null order by type limit 1)
         union all
         select (select o.type from operation o where o.ended_at is not null and o.type > ended.type order by o.type limit 1)
         from ended where ended.type is not null
       ) select type from ended where type is not null`,
    );
    return rows.map(({ type }) => type);
  }

  /**
   * Removes at most `limit` operations of a type that ended more than `days` ago, oldest first; how many it were. Notes, in
   * the same commit, up to where the events of their organisations have gaps now, so that no stream passes over one
   * silently. Safe for many processes at once.
   */
  async prune(type: string, days: number, limit: number): Promise<number> {
    const [{ gone }] = await this.tx.em.query<{ gone: number }[]>(
      `with old as (
         select id from operation o
         where type = $1 and ended_at < now() - make_interval(days => $2)
           and not exists (select from dead_letter d where d.operation_id = o.id and d.status = 'open')
         order by ended_at limit $3 for update skip locked
       ), last as (
         select distinct on (org_id) org_id, xid, position from operation_event
         where operation_id in (select id from old) and org_id is not null
         order by org_id, operation_event.xid desc, operation_event.position desc
       ), horizon as (
         insert into org_event_horizon as known (org_id, xid, position) select org_id, xid, position from last
         on conflict (org_id) do update set xid = excluded.xid, position = excluded.position
           where (known.xid, known.position) < (excluded.xid, excluded.position)
       ), gone as (
         delete from operation where id in (select id from old) returning 1
       ) select count(*)::int as gone from gone`,
      [type, days, limit],
    );
    this.pruned += gone;
    return gone;
  }
}
