import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ACCESS_CHANGED } from '../auth/access-cache';
import { AccessService } from '../auth/access.service';
import type { ErrorBody } from '../common/problem';
import { Notifications } from '../database/notifications';
import { Transactor } from '../database/transactor';
import type { GraphStatus } from '../graphs/graph-transitions';
import type { Tier } from '../limits/tiers';

const BATCH = 20;

/** Whether others pay for reading a graph `g`. */
const READ = `exists (select from repository_grant r where r.graph_id = g.id and r.revoked_at is null)`;

/** Whether a subscription `s` of an active graph `g` is over at $1, and nobody else pays for it. */
const ENDED = `s.resource_type = 'graph' and s.status = 'canceled' and s.ends_at <= $1 and g.status = 'active'
  and not exists (select from subscription l where l.resource_type = 'graph' and l.resource_id = g.id
    and (l.status not in ('canceled', 'failed') or l.ends_at > $1)) and not ${READ}`;

/** A subscription whose graph could not be made. */
export interface Stalled {
  id: string;
  operationId: string;
  error: ErrorBody | null;
}

/** A graph with those that go with it, locked: none is added, and none changes its status, until the transaction ends. */
export interface LockedGraph {
  id: string;
  orgId: string;
  parentId: string | null;
  tier: Tier;
  status: GraphStatus;
  subgraphs: string[];
}

@Injectable()
export class ProvisioningRepository {
  constructor(
    private readonly transactor: Transactor,
    private readonly access: AccessService,
    private readonly notifications: Notifications,
  ) {}

  /** Null where there is none, or none any more. */
  async lock(em: EntityManager, graphId: string): Promise<LockedGraph | null> {
    const [graph] = await em.query<Omit<LockedGraph, 'subgraphs'>[]>(
      `select id, org_id as "orgId", parent_id as "parentId", tier, status from graph
       where id = $1 and status <> 'deleted' for update`,
      [graphId],
    );
    if (graph === undefined) return null;
    const subgraphs = await em.query<{ id: string }[]>(
      `select id from graph where parent_id = $1 and status <> 'deleted' order by id`,
      [graphId],
    );
    return { ...graph, subgraphs: subgraphs.map(({ id }) => id) };
  }

  /** Of a graph and its subgraphs; false where it is not of tier `from` any more. */
  async setTier(em: EntityManager, graphId: string, from: Tier, to: Tier): Promise<boolean> {
    const [, changed] = await em.query<[unknown, number]>(
      'update graph set tier = $3, updated_at = now() where id = $1 and tier = $2',
      [graphId, from, to],
    );
    if (changed !== 1) return false;
    await em.query('update graph set tier = $2, updated_at = now() where parent_id = $1', [graphId, to]);
    // The tier is among what processes remember of a caller's access.
    await this.notifications.notify(em, ACCESS_CHANGED, 'graph');
    this.transactor.afterCommit(em, () => this.access.forget());
    return true;
  }

  /** Subscriptions claimed before `before` whose operation has ended without success, or is gone. */
  stalled(before: Date): Promise<Stalled[]> {
    return this.transactor.em.query<Stalled[]>(
      `select s.id, s.provisioning_operation_id as "operationId", s.last_provisioning_error as error
       from subscription s left join operation o on o.id = s.provisioning_operation_id
       where s.status = 'provisioning' and s.claimed_at < $1 and s.provisioning_operation_id is not null
         and (o.id is null or o.status in ('failed', 'cancelled')) order by s.claimed_at limit ${BATCH}`,
      [before],
    );
  }

  /** What is there of graphs whose subscription ended before they were made. */
  async abandoned(): Promise<string[]> {
    const rows = await this.transactor.em.query<{ id: string }[]>(
      `select g.id from graph g join operation o on o.graph_id = g.id
         join subscription s on s.provisioning_operation_id = o.id
       where g.status = 'failed' and s.status in ('canceled', 'failed') and s.resource_id is null
         and o.status in ('failed', 'cancelled') order by g.id limit ${BATCH}`,
    );
    return rows.map(({ id }) => id);
  }

  /** Active graphs whose subscription was cancelled and is over, and that nobody else pays for. */
  ended(now: Date): Promise<{ graphId: string; endsAt: Date }[]> {
    return this.transactor.em.query<{ graphId: string; endsAt: Date }[]>(
      `select g.id as "graphId", max(s.ends_at) as "endsAt" from subscription s join graph g on g.id = s.resource_id
       where ${ENDED} group by g.id order by 2 limit ${BATCH}`,
      [now],
    );
  }

  /** The same of one graph, which is locked until the transaction ends; false where it is not so any more. */
  async lockEnded(em: EntityManager, graphId: string, now: Date): Promise<boolean> {
    await em.query('select from graph where id = $1 for update', [graphId]);
    const found = await em.query<unknown[]>(
      `select s.id from subscription s join graph g on g.id = s.resource_id where g.id = $2 and ${ENDED} limit 1`,
      [now, graphId],
    );
    return found.length > 0;
  }

  /** Subscriptions that are over and by which somebody still reads a repository. */
  async endedGrants(now: Date): Promise<string[]> {
    const rows = await this.transactor.em.query<{ id: string }[]>(
      `select s.id from repository_grant g join subscription s on s.id = g.subscription_id
       where g.revoked_at is null and s.status in ('canceled', 'failed') and s.ends_at <= $1
       order by s.ends_at limit ${BATCH}`,
      [now],
    );
    return rows.map(({ id }) => id);
  }

  /** Graphs that have been suspended since `before` and that nobody else pays for, the longest first. */
  async suspendedSince(before: Date): Promise<string[]> {
    const rows = await this.transactor.em.query<{ id: string }[]>(
      `select id from graph g where status = 'suspended' and parent_id is null and suspended_at < $1 and not ${READ}
       order by suspended_at limit ${BATCH}`,
      [before],
    );
    return rows.map(({ id }) => id);
  }
}
