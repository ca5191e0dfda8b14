import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../auth/actor';
import { Transactor } from '../database/transactor';
import { Graph } from './graph.entity';

/** A graph in somebody's list, with their role in it. */
export interface ListedGraph {
  graph: Graph;
  role: 'admin' | 'member' | 'viewer';
}

/** Reads and writes of the graph catalog. */
@Injectable()
export class GraphsRepository {
  constructor(private readonly transactor: Transactor) {}

  find(graphId: string, em: EntityManager = this.transactor.em): Promise<Graph | null> {
    return em.findOneBy(Graph, { id: graphId });
  }

  async insert(
    em: EntityManager,
    graph: Pick<Graph, 'id' | 'orgId' | 'name' | 'description' | 'tags' | 'tier' | 'schema'>,
    createdBy: string,
  ): Promise<void> {
    await em.query(
      `insert into graph (id, org_id, name, description, tags, tier, status, schema, created_by)
       values ($1, $2, $3, $4, $5, $6, 'provisioning', $7, $8)`,
      [
        graph.id,
        graph.orgId,
        graph.name,
        graph.description,
        graph.tags,
        graph.tier,
        JSON.stringify(graph.schema),
        createdBy,
      ],
    );
  }

  /** Every graph that the actor may see, newest first. Owners and admins of an org are admins of its graphs. */
  async listFor(actor: Actor): Promise<ListedGraph[]> {
    const rows = await this.transactor.em.query<{ id: string; role: ListedGraph['role'] }[]>(
      `select g.id, case when o.role in ('owner', 'admin') then 'admin' else m.role end as role
       from org_member o
       join graph g on g.org_id = o.org_id and g.status <> 'deleted'
       left join graph_member m on m.graph_id = coalesce(g.parent_id, g.id) and m.user_id = o.user_id
       where o.user_id = $1 and (o.role in ('owner', 'admin') or m.role is not null)
         and ($2::text[] is null or coalesce(g.parent_id, g.id) = any ($2))
       order by g.created_at desc, g.id`,
      [actor.userId, actor.graphIds],
    );
    if (rows.length === 0) return [];
    const graphs = await this.transactor.em
      .createQueryBuilder(Graph, 'graph')
      .where('graph.id = any (:ids)', { ids: rows.map((row) => row.id) })
      .getMany();
    const byId = new Map(graphs.map((graph) => [graph.id, graph]));
    return rows.flatMap(({ id, role }) => {
      const graph = byId.get(id);
      return graph === undefined ? [] : [{ graph, role }];
    });
  }

  async setStatus(em: EntityManager, graphId: string, status: Graph['status']): Promise<void> {
    await em.query(
      `update graph set status = $2, updated_at = now(), deleted_at = case when $2 = 'deleted' then now() end where id = $1`,
      [graphId, status],
    );
  }

  /** Lets a graph whose creation failed be created after all; false where it is past that, or gone. */
  async reopenCreation(em: EntityManager, graphId: string): Promise<boolean> {
    const [, changed] = await em.query<[unknown, number]>(
      `update graph set status = 'provisioning', updated_at = now()
       where id = $1 and status in ('failed', 'provisioning')`,
      [graphId],
    );
    return changed === 1;
  }

  async select(em: EntityManager, userId: string, graphId: string): Promise<void> {
    await em.query('update app_user set selected_graph_id = $2 where id = $1', [userId, graphId]);
  }

  async selectedBy(userId: string): Promise<string | null> {
    const rows = await this.transactor.em.query<{ selected_graph_id: string | null }[]>(
      'select selected_graph_id from app_user where id = $1',
      [userId],
    );
    return rows[0]?.selected_graph_id ?? null;
  }
}
