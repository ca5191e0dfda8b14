import { encodeTime, TIME_MAX } from 'ulid';
import type { Actor } from '../auth/actor';
import type { OperationStatus } from './operation-transitions';
import { Parameters } from './parameters';

/** Which operations; members that are left out do not matter. */
export interface OperationFilter {
  graphId?: string;
  type?: string;
  /** Any of these. */
  statuses?: OperationStatus[];
  /** Who began it. */
  userId?: string;
  /** From this time on, and before that time. */
  createdAfter?: Date;
  createdBefore?: Date;
  endedAfter?: Date;
  endedBefore?: Date;
}

export interface VisiblePage {
  limit: number;
  /** The id after which the page begins. */
  cursor?: string;
}

/** Operations that end at once have an older id than this, whatever the clocks of database and processes are at. */
const CLOCK_TOLERANCE_MS = 3_600_000;

/**
 * The statement that finds what an actor may see, newest first: the operations of the organisations that they run, of
 * the graphs where they have a role, and their own that concern no graph; for a credential that is bound to graphs, those
 * of its graphs. `writable` says of each whether they may also stop it.
 *
 * Each source is read along an index from its newest operation back and gives a page at most, so a page costs the same
 * however many operations there are. The same holds for each status, since an index has one status in order only.
 */
export function visibleOperations(
  actor: Pick<Actor, 'userId' | 'graphIds'>,
  filter: OperationFilter,
  { limit, cursor }: VisiblePage,
): { sql: string; parameters: unknown[] } {
  const $ = new Parameters();
  const sources = sourcesOf(actor, $);
  const conditions = conditionsOf(filter, $);
  if (cursor !== undefined) conditions.push(`o.id < ${$.add(cursor)}`);
  const newest = `order by o.id desc limit ${limit}`;
  const pages = (filter.statuses ?? [null]).flatMap((status) =>
    sources.map(({ from, own, writable }) => {
      const all = [own, ...conditions, ...(status === null ? [] : [`o.status = '${status}'`])].join(' and ');
      return `(select o.*, ${writable} as writable
        from ${from} cross join lateral (select * from operation o where ${all} ${newest}) o)`;
    }),
  );
  return { sql: `select * from (${pages.join(' union all ')}) o ${newest}`, parameters: $.values };
}

/** The same for operations that are named: what the actor may not see of them is not found. */
export function visibleAmong(
  actor: Pick<Actor, 'userId' | 'graphIds'>,
  ids: string[],
): { sql: string; parameters: unknown[] } {
  const $ = new Parameters();
  const named = `(select * from operation where id = any (${$.add(ids)})) o`;
  const found = sourcesOf(actor, $).map(
    ({ from, own, writable }) => `select o.*, ${writable} as writable from ${named} join ${from} on ${own}`,
  );
  return { sql: found.join(' union all '), parameters: $.values };
}

function sourcesOf({ userId, graphIds }: Pick<Actor, 'userId' | 'graphIds'>, $: Parameters): Source[] {
  return graphIds === null ? UNBOUND($.add(userId)) : BOUND($.add(userId), $.add(graphIds));
}

interface Source {
  from: string;
  own: string;
  writable: string;
}

const UNBOUND = (me: string): Source[] => [
  {
    from: `(select org_id from org_member where user_id = ${me} and role <> 'member') org`,
    own: 'o.org_id = org.org_id',
    writable: 'true',
  },
  {
    from: `(select g.id, gm.role from org_member m join graph g on g.org_id = m.org_id
      join graph_member gm on gm.graph_id = coalesce(g.parent_id, g.id) and gm.user_id = m.user_id
      where m.user_id = ${me} and m.role = 'member') graph`,
    own: 'o.graph_id = graph.id',
    writable: `graph.role <> 'viewer'`,
  },
  {
    from: '(select) own',
    own: `o.user_id = ${me} and o.graph_id is null and (o.org_id is null or exists (
      select from org_member m where m.org_id = o.org_id and m.user_id = ${me} and m.role = 'member'))`,
    writable: 'true',
  },
];

const BOUND = (me: string, graphIds: string): Source[] => [
  {
    from: `(select g.id, case m.role when 'member' then gm.role else 'admin' end as role
      from org_member m join graph g on g.org_id = m.org_id
      left join graph_member gm on gm.graph_id = coalesce(g.parent_id, g.id) and gm.user_id = m.user_id
      where m.user_id = ${me} and (g.id = any (${graphIds}) or g.parent_id = any (${graphIds}))) graph`,
    own: 'graph.role is not null and o.graph_id = graph.id',
    writable: `graph.role <> 'viewer'`,
  },
];

function conditionsOf(filter: OperationFilter, $: Parameters): string[] {
  const conditions: string[] = [];
  const add = (condition: string, value: unknown): void => {
    if (value !== undefined) conditions.push(`o.${condition.replace('?', $.add(value))}`);
  };
  add('graph_id = ?', filter.graphId);
  add('type = ?', filter.type);
  add('user_id = ?', filter.userId);
  add('created_at >= ?', filter.createdAfter);
  add('created_at < ?', filter.createdBefore);
  add('ended_at >= ?', filter.endedAfter);
  add('ended_at < ?', filter.endedBefore);
  // Ids begin with the time of their making, so the indexes that end with the id know times as well.
  add('id >= ?', idAt(filter.createdAfter, -CLOCK_TOLERANCE_MS));
  add('id < ?', idAt(filter.createdBefore, CLOCK_TOLERANCE_MS));
  add('id < ?', idAt(filter.endedBefore, CLOCK_TOLERANCE_MS));
  return conditions;
}

/** The least id of an operation that is made at this time. */
function idAt(time: Date | undefined, shiftMs: number): string | undefined {
  return time && `op_${encodeTime(Math.min(Math.max(0, time.getTime() + shiftMs), TIME_MAX))}`;
}
