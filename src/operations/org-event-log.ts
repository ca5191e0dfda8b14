import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';
import type { OperationEventType } from './operation-transitions';

/** A stored event as the stream of its organisation tells it. */
export interface OrgEvent {
  readonly xid: string;
  readonly position: string;
  readonly operationId: string;
  readonly sequence: number;
  readonly type: OperationEventType;
  readonly data: Record<string, unknown>;
  readonly createdAt: Date;
  readonly operationType: string;
  readonly orgId: string;
  readonly graphId: string | null;
  readonly userId: string | null;
}

/** A place in the order of an organisation's events: the transaction that wrote an event, then the event's number. */
export interface OrgCursor {
  readonly xid: bigint;
  readonly position: bigint;
}

/** Before the first event. */
export const ORG_BEGINNING: OrgCursor = { xid: 0n, position: 0n };

export interface OrgPage {
  events: OrgEvent[];
  /** There are more that cannot be put in order yet, because an older transaction is still running. */
  unsettled: boolean;
}

/**
 * The events of an organisation in one exact order, which is not the order of their numbers: a transaction may take its
 * number first and commit last. Events are ordered by their transactions, and told once no older transaction runs any
 * more, so nothing can come to stand before what was told. A long transaction anywhere in the cluster delays them.
 */
@Injectable()
export class OrgEventLog {
  constructor(private readonly tx: Transactor) {}

  /** Events after `cursor`, in order, at most `limit`. */
  async read(orgId: string, { xid, position }: OrgCursor, limit: number): Promise<OrgPage> {
    const rows = await this.tx.em.query<(OrgEvent & { settled: boolean })[]>(
      `select e.xid::text as xid, e.position::text as position, e.operation_id as "operationId", e.sequence, e.type,
         e.data, e.created_at as "createdAt", o.type as "operationType", e.org_id as "orgId", o.graph_id as "graphId",
         o.user_id as "userId", e.xid < pg_snapshot_xmin(pg_current_snapshot()) as settled
       from operation_event e join operation o on o.id = e.operation_id
       where e.org_id = $1 and (e.xid, e.position) > ($2::xid8, $3::bigint)
       order by e.xid, e.position limit $4`,
      [orgId, String(xid), String(position), limit],
    );
    const first = rows.findIndex(({ settled }) => !settled);
    return { events: first === -1 ? rows : rows.slice(0, first), unsettled: first !== -1 };
  }

  /** The place after the last event that can be told now. */
  async end(orgId: string): Promise<OrgCursor> {
    const [[last], horizon] = await Promise.all([
      this.tx.em.query<{ xid: string; position: string }[]>(
        `select xid::text as xid, position::text as position from operation_event
         where org_id = $1 and xid < pg_snapshot_xmin(pg_current_snapshot()) order by operation_event.xid desc,
           operation_event.position desc limit 1`,
        [orgId],
      ),
      this.horizon(orgId),
    ]);
    return last ? later(orgCursorOf(last), horizon) : horizon;
  }

  /** The last event that was pruned: up to here there may be gaps, after it there are none. */
  async horizon(orgId: string): Promise<OrgCursor> {
    const [found] = await this.tx.em.query<{ xid: string; position: string }[]>(
      'select xid::text as xid, position::text as position from org_event_horizon where org_id = $1',
      [orgId],
    );
    return found ? orgCursorOf(found) : ORG_BEGINNING;
  }

  /** Whether a reader who has seen all up to here can go on without a gap. */
  async canResume(orgId: string, cursor: OrgCursor): Promise<boolean> {
    const horizon = await this.horizon(orgId);
    if (isAfter(horizon, cursor)) return false;
    // At the horizon or at the beginning of what was never pruned; the event itself need not be there.
    if (!isAfter(cursor, horizon)) return true;
    const found = await this.tx.em.query<object[]>(
      'select 1 from operation_event where org_id = $1 and xid = $2::xid8 and position = $3::bigint',
      [orgId, String(cursor.xid), String(cursor.position)],
    );
    return found.length > 0;
  }
}

export function orgCursorOf({ xid, position }: { xid: string; position: string }): OrgCursor {
  return { xid: BigInt(xid), position: BigInt(position) };
}

/** Whether `a` stands after `b`. */
export function isAfter(a: OrgCursor, b: OrgCursor): boolean {
  return a.xid === b.xid ? a.position > b.position : a.xid > b.xid;
}

export function later(a: OrgCursor, b: OrgCursor): OrgCursor {
  return isAfter(b, a) ? b : a;
}

/** `<xid>-<position>`: what a client sends back as Last-Event-ID. */
export function toOrgEventId({ xid, position }: OrgCursor | OrgEvent): string {
  return `${xid}-${position}`;
}

/** Null where the text is no id of ours. */
export function parseOrgEventId(text: string): OrgCursor | null {
  const parts = /^(\d{1,19})-(\d{1,18})$/.exec(text);
  return parts && { xid: BigInt(parts[1]), position: BigInt(parts[2]) };
}
