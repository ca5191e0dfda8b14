import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../auth/actor';
import type { GraphRole } from '../auth/roles';
import { Transactor } from '../database/transactor';
import type { GraphSchema } from '../schemas/graph-schema';
import { Graph } from './graph.entity';
import { type GraphStatus, statusesBefore } from './graph-transitions';

/** A graph in somebody's list, with their role in it. */
export type ListedGraph = Pick<
  Graph,
  'id' | 'orgId' | 'parentId' | 'name' | 'description' | 'tags' | 'tier' | 'status' | 'createdAt'
> & { role: GraphRole; schemaExtensions: string[]; repository: string | null };

/** `parentId`: it is a subgraph. */
export type NewGraph = Pick<Graph, 'id' | 'orgId' | 'name' | 'description' | 'tags' | 'tier' | 'schema'> & {
  parentId?: string;
  /** Instead of "provisioning". */
  status?: 'queued';
};

export interface GraphPage {
  limit?: number;
  /** Id of the last graph of the page before. */
  cursor?: string;
}

/**
 * What stands between a membership `o` and a graph `g` of its organisation that it may see, with the API key's restriction
 * to graphs $2.
 */
const VISIBLE = `left join graph_member m on m.graph_id = coalesce(g.parent_id, g.id) and m.user_id = o.user_id
         where g.org_id = o.org_id and g.status <> 'deleted' and (o.role in ('owner', 'admin') or m.role is not null)
           and ($2::text[] is null or coalesce(g.parent_id, g.id) = any ($2))`;

/** Reads and writes of the graph catalog. */
@Injectable()
export class GraphsRepository {
  constructor(private readonly transactor: Transactor) {}

  find(graphId: string, em: EntityManager = this.transactor.em): Promise<Graph | null> {
    return em.findOneBy(Graph, { id: graphId });
  }

  /**
   * Registers a graph that is still to be built. Takes the place of a deleted one with the same id, which only subgraphs can
   * have, and goes on with its numbers of generations. False where a graph with this id is there.
   */
  async insert(em: EntityManager, graph: NewGraph, createdBy: string | null): Promise<boolean> {
    const schema = JSON.stringify(graph.schema);
    const made = await em.query<{ id: string }[]>(
      `insert into graph (id, org_id, parent_id, name, description, tags, tier, status, schema, created_by)
       values ($1, $2, $3, $4, $5, $6, $7, $10, $8, $9)
       on conflict (id) do update set name = excluded.name, description = excluded.description, tags = excluded.tags,
         tier = excluded.tier, status = excluded.status, schema = excluded.schema, created_by = excluded.created_by,
         live_generation = null, stale_reason = null, stale_since = null, last_materialized_at = null,
         materialization_count = 0, created_at = now(), updated_at = now(), deleted_at = null
         where graph.status = 'deleted'
       returning id`,
      [
        graph.id,
        graph.orgId,
        graph.parentId ?? null,
        graph.name,
        graph.description,
        graph.tags,
        graph.tier,
        schema,
        createdBy,
        graph.status ?? 'provisioning',
      ],
    );
    if (made.length === 0) return false;
    if (graph.parentId !== undefined) {
      for (const table of ['graph_schema_version', 'materialization', 'query_stat', 'slow_query'])
        await em.query(`delete from ${table} where graph_id = $1`, [graph.id]);
    }
    await em.query(
      `insert into graph_schema_version (graph_id, number, status, schema, created_by, applied_at)
       values ($1, 1, 'applied', $2, $3, now())`,
      [graph.id, schema, createdBy],
    );
    return true;
  }

  /**
   * Graphs that the actor may see, newest first, all or those after `cursor`. Owners and admins of an org are admins of
   * its graphs. A page costs the same however many graphs there are.
   */
  async listFor(actor: Actor, { limit, cursor }: GraphPage = {}): Promise<ListedGraph[]> {
    return this.transactor.em.query<ListedGraph[]>(
      `select g.id, g.org_id as "orgId", g.parent_id as "parentId", g.name, g.description, g.tags, g.tier, g.status,
         g.created_at as "createdAt", coalesce(g.schema -> 'extensions', '[]') as "schemaExtensions",
         case when o.role in ('owner', 'admin') then 'admin' else g.member_role end as role,
         (select p.name from repository p where p.graph_id = g.id) as repository
       from org_member o cross join lateral (
         select g.*, m.role as member_role from graph g ${VISIBLE}
           and ($3::text is null or (g.created_at, g.id) < (select c.created_at, c.id from graph c where c.id = $3))
         order by g.created_at desc, g.id desc limit $4
       ) g
       where o.user_id = $1 order by g.created_at desc, g.id desc limit $4`,
      [actor.userId, actor.graphIds, cursor ?? null, limit ?? null],
    );
  }

  /** Graphs of others that an organisation of the actor subscribes to, by the name of the repository. */
  readable({ userId, graphIds }: Actor): Promise<ListedGraph[]> {
    return this.transactor.em.query<ListedGraph[]>(
      `select distinct on (p.name) g.id, g.org_id as "orgId", g.parent_id as "parentId", g.name, p.description,
         '{}'::text[] as tags, g.tier, g.status, g.created_at as "createdAt",
         coalesce(g.schema -> 'extensions', '[]') as "schemaExtensions", 'reader' as role, p.name as repository
       from repository_grant r join org_member o on o.org_id = r.org_id and o.user_id = $1
       join repository p on p.name = r.repository join graph g on g.id = r.graph_id and g.status <> 'deleted'
       where r.revoked_at is null and ($2::text[] is null or g.id = any ($2))
         and not exists (select from org_member m where m.org_id = g.org_id and m.user_id = $1)
       order by p.name`,
      [userId, graphIds],
    );
  }

  /** How many organisations subscribe to reading a graph. */
  async readers(em: EntityManager, graphId: string): Promise<number> {
    const [{ count }] = await em.query<{ count: number }[]>(
      'select count(*)::int as count from repository_grant where graph_id = $1 and revoked_at is null',
      [graphId],
    );
    return count;
  }

  /** Ids of the subgraphs of a graph, those that are being made or deleted included; none are added until the transaction ends. */
  async lockWithSubgraphs(em: EntityManager, graphId: string): Promise<string[]> {
    await em.query('select from graph where id = $1 for update', [graphId]);
    const rows = await em.query<{ id: string }[]>(
      `select id from graph where parent_id = $1 and status <> 'deleted' order by id`,
      [graphId],
    );
    return rows.map(({ id }) => id);
  }

  async backups(graphId: string): Promise<{ count: number; latest: Date | null }> {
    const [row] = await this.transactor.em.query<{ count: number; latest: Date | null }[]>(
      `select count(*)::int as count, max(completed_at) as latest from backup where graph_id = $1 and status = 'completed'`,
      [graphId],
    );
    return row;
  }

  /** Moves a graph on, by compare-and-set; false where its life does not go that way from where it stands. */
  async move(
    em: EntityManager,
    graphId: string,
    status: GraphStatus,
    from: GraphStatus[] = statusesBefore(status),
  ): Promise<boolean> {
    const [, changed] = await em.query<[unknown, number]>(
      `update graph set status = $2, updated_at = now(), deleted_at = case when $2 = 'deleted' then now() end
       where id = $1 and status = any($3)`,
      [graphId, status, from],
    );
    return changed === 1;
  }

  /** Notes why a graph is suspended, from now on; null when it is not any more. */
  async noteSuspension(em: EntityManager, graphId: string, reason: string | null): Promise<void> {
    await em.query(
      `update graph set suspension_reason = $2, suspended_at = case when $2::text is null then null else now() end
       where id = $1`,
      [graphId, reason],
    );
  }

  /** Gives a graph the schema that a generation brings, as a further version where it is another one than before. */
  async adoptSchema(
    em: EntityManager,
    graphId: string,
    schema: GraphSchema,
    by: { userId: string | null; operationId: string; generation: number },
  ): Promise<void> {
    const text = JSON.stringify(schema);
    const [, changed] = await em.query<[unknown, number]>(
      'update graph set schema = $2::jsonb, updated_at = now() where id = $1 and schema <> $2::jsonb',
      [graphId, text],
    );
    if (changed === 0) return;
    await em.query(
      `insert into graph_schema_version
         (graph_id, number, status, schema, base, created_by, applied_at, operation_id, generation)
       select $1, coalesce(max(number), 0) + 1, 'applied', $2,
         max(number) filter (where status = 'applied'), $3, now(), $4, $5
       from graph_schema_version where graph_id = $1`,
      [graphId, text, by.userId, by.operationId, by.generation],
    );
  }

  async select(em: EntityManager, userId: string, graphId: string): Promise<void> {
    await em.query('update app_user set selected_graph_id = $2 where id = $1', [userId, graphId]);
  }

  /** The graph that the actor works with, while they may see it. */
  async selectedBy(actor: Actor): Promise<string | null> {
    const rows = await this.transactor.em.query<{ id: string }[]>(
      `select g.id from app_user u join graph g on g.id = u.selected_graph_id
       join org_member o on o.user_id = u.id and o.org_id = g.org_id ${VISIBLE} and u.id = $1`,
      [actor.userId, actor.graphIds],
    );
    return rows[0]?.id ?? null;
  }
}
