import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ACCESS_CHANGED } from '../auth/access-cache';
import { AccessService } from '../auth/access.service';
import { Notifications } from '../database/notifications';
import { Transactor } from '../database/transactor';
import type { GraphStatus } from '../graphs/graph-transitions';
import type { Tier } from '../limits/tiers';

const BATCH = 20;

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

  /** Graphs that have been suspended since `before`, the longest first. */
  async suspendedSince(before: Date): Promise<string[]> {
    const rows = await this.transactor.em.query<{ id: string }[]>(
      `select id from graph where status = 'suspended' and parent_id is null and suspended_at < $1
       order by suspended_at limit ${BATCH}`,
      [before],
    );
    return rows.map(({ id }) => id);
  }
}
