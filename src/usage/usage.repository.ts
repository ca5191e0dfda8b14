import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';

export interface Period {
  from: Date;
  to: Date;
}

/** The size of a graph's live data over a time. */
export interface StorageOverTime {
  /** Bytes; null where there was no data. */
  least: number | null;
  most: number | null;
  byteHours: number;
  /** Generations that were live in the time. */
  generations: number;
}

export interface OperationStat {
  type: string;
  count: number;
  failed: number;
  averageMs: number | null;
}

/** What one graph used on one day (UTC). */
export interface GraphDay {
  graphId: string;
  /** `YYYY-MM-DD` */
  day: string;
  queries: number;
  operations: number;
  credits: number;
}

/** Of one graph, or of several together. */
export interface StorageDay {
  /** `YYYY-MM-DD` */
  day: string;
  bytes: number;
}

export interface OrgGraphSize {
  id: string;
  parentId: string | null;
  name: string;
  tier: string;
  /** Of its live data and its staged files. */
  bytes: number;
}

/** Reads what a graph used from what is recorded anyway: its generations and its operations. */
@Injectable()
export class UsageRepository {
  constructor(private readonly transactor: Transactor) {}

  /** Exact: a generation has one size, and was live from its publishing to its replacement. */
  async storage(graphId: string, { from, to }: Period): Promise<StorageOverTime> {
    const [row] = await this.transactor.em.query<StorageOverTime[]>(
      `select min(bytes)::float8 as least, max(bytes)::float8 as most, count(*)::int as generations,
         coalesce(sum(bytes * extract(epoch from until - since) / 3600), 0)::float8 as "byteHours"
       from (select (manifest ->> 'bytes')::bigint as bytes, greatest(published_at, $2) as since,
               least(coalesce(retired_at, $3), $3) as until
             from generation where graph_id = $1 and published_at is not null and manifest is not null) as live
       where until > since`,
      [graphId, from, to],
    );
    return row;
  }

  operationStats(graphId: string, { from, to }: Period): Promise<OperationStat[]> {
    return this.transactor.em.query(
      `select type, count(*)::int as count, count(*) filter (where status = 'failed')::int as failed,
         avg(extract(epoch from ended_at - started_at) * 1000) filter (where status = 'completed')::float8 as "averageMs"
       from operation where graph_id = $1 and created_at >= $2 and created_at < $3 group by type order by type`,
      [graphId, from, to],
    );
  }

  recentOperations(graphId: string, { from, to }: Period, limit: number): Promise<object[]> {
    return this.transactor.em.query(
      `select id as operation_id, type as event_type, status, user_id, created_at as timestamp, ended_at
       from operation where graph_id = $1 and created_at >= $2 and created_at < $3 order by id desc limit $4`,
      [graphId, from, to, limit],
    );
  }

  /** The graphs that an organisation has now. */
  async graphsOf(orgId: string): Promise<OrgGraphSize[]> {
    return this.transactor.em.query(
      `select g.id, g.parent_id as "parentId", g.name, g.tier, (coalesce((l.manifest ->> 'bytes')::bigint, 0)
         + coalesce((select sum(size_bytes) from staged_file where graph_id = g.id), 0))::float8 as bytes
       from graph g left join generation l on l.graph_id = g.id and l.status = 'live'
       where g.org_id = $1 and g.status <> 'deleted' order by g.id`,
      [orgId],
    );
  }

  /**
   * Bytes of the live data at the end of each day (UTC), and now of the present one: of all graphs of an organisation, or of
   * one. `from` is the beginning of a day. Days without any are not there.
   */
  storageDays(orgId: string, { from, to }: Period, graphId: string | null = null): Promise<StorageDay[]> {
    return this.transactor.em.query(
      `select to_char(d.day at time zone 'UTC', 'YYYY-MM-DD') as day, sum((n.manifest ->> 'bytes')::bigint)::float8 as bytes
       from generate_series($2::timestamptz, $3::timestamptz, interval '1 day') as s(day),
         lateral (select s.day, least(s.day + interval '1 day', $3::timestamptz) as until) d
         join generation n on n.published_at < d.until and (n.retired_at is null or n.retired_at >= d.until)
         join graph g on g.id = n.graph_id and (g.deleted_at is null or g.deleted_at >= d.until)
       where g.org_id = $1 and n.manifest is not null and ($4::text is null or g.id = $4) group by 1`,
      [orgId, from, to, graphId],
    );
  }

  /** What its graphs used, those that are deleted now too, or one of them; days without anything are not there. */
  days(orgId: string, { from, to }: Period, graphId: string | null = null): Promise<GraphDay[]> {
    return this.transactor.em.query(
      `select u.graph_id as "graphId", to_char(u.at at time zone 'UTC', 'YYYY-MM-DD') as day, sum(u.queries)::int as queries,
         sum(u.operations)::int as operations, sum(u.credits)::float8 as credits
       from (
         select q.graph_id, q.hour as at, q.queries, 0 as operations, 0 as credits from query_stat q
         union all
         select o.graph_id, o.created_at, 0, 1, 0 from operation o where o.org_id = $1 and o.graph_id is not null
         union all
         select t.graph_id, t.created_at, 0, 0, -t.amount from credit_transaction t where t.type = 'consumption'
       ) u join graph g on g.id = u.graph_id
       where g.org_id = $1 and u.at >= $2 and u.at <= $3 and ($4::text is null or g.id = $4) group by 1, 2`,
      [orgId, from, to, graphId],
    );
  }
}
