import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import type { Lineage, Subgraph, SubgraphState } from './subgraph';

const COLUMNS = `s.graph_id as "graphId", g.org_id as "orgId", g.parent_id as "parentId", s.name, s.index,
  g.name as "displayName", g.description, s.type, g.status, s.metadata, s.forked, s.fork_options as "forkOptions",
  s.expires_at as "expiresAt", s.operation_id as "operationId", g.created_at as "createdAt", g.updated_at as "updatedAt"`;

/** Reads and writes of what subgraphs have beside other graphs. One that was deleted is not among them. */
@Injectable()
export class SubgraphsRepository {
  constructor(private readonly transactor: Transactor) {}

  /** In the order in which they were made. */
  async list(parentId: string, em: EntityManager = this.transactor.em): Promise<Subgraph[]> {
    return em.query<Subgraph[]>(
      `select ${COLUMNS} from subgraph s join graph g on g.id = s.graph_id
       where g.parent_id = $1 and g.status <> 'deleted' order by s.index`,
      [parentId],
    );
  }

  async find(parentId: string, name: string, em: EntityManager = this.transactor.em): Promise<Subgraph | null> {
    const rows = await em.query<Subgraph[]>(
      `select ${COLUMNS} from subgraph s join graph g on g.id = s.graph_id
       where g.parent_id = $1 and s.name = $2 and g.status <> 'deleted'`,
      [parentId, name.toLowerCase()],
    );
    return rows[0] ?? null;
  }

  async get(graphId: string, em: EntityManager = this.transactor.em): Promise<Subgraph | null> {
    const rows = await em.query<Subgraph[]>(
      `select ${COLUMNS} from subgraph s join graph g on g.id = s.graph_id where s.graph_id = $1`,
      [graphId],
    );
    return rows[0] ?? null;
  }

  /** What each of these graphs holds now. */
  async states(graphIds: string[], em: EntityManager = this.transactor.em): Promise<Map<string, SubgraphState>> {
    type Row = Record<'id' | 'bytes' | 'nodes' | 'relationships' | 'files', string> & { lastAccessed: Date | null };
    const rows = await em.query<Row[]>(
      `select g.id, coalesce((l.manifest ->> 'bytes')::bigint, 0) + f.bytes as bytes, f.files,
         coalesce((select sum(value::bigint) from jsonb_each_text(l.manifest -> 'nodes')), 0) as nodes,
         coalesce((select sum(value::bigint) from jsonb_each_text(l.manifest -> 'relationships')), 0) as relationships,
         (select max(last_query_at) from query_stat q where q.graph_id = g.id) as "lastAccessed"
       from graph g
       left join generation l on l.graph_id = g.id and l.status = 'live'
       cross join lateral (
         select coalesce(sum(size_bytes), 0)::bigint as bytes, count(*) as files from staged_file where graph_id = g.id
       ) f
       where g.id = any ($1)`,
      [graphIds],
    );
    return new Map(
      rows.map((row) => [
        row.id,
        {
          bytes: Number(row.bytes),
          nodes: Number(row.nodes),
          relationships: Number(row.relationships),
          stagedFiles: Number(row.files),
          lastAccessed: row.lastAccessed,
        },
      ]),
    );
  }

  /** Which of the parent's data the live data goes back to, by way of the generations before it; null where of none. */
  async lineage(graphId: string): Promise<Lineage | null> {
    const rows = await this.transactor.em.query<Lineage[]>(
      `with recursive line as (
         select * from generation where graph_id = $1 and status = 'live'
         union all
         select g.* from line l join generation g on g.graph_id = l.graph_id and g.number = l.previous
           where l.parent_generation is null
       )
       select parent_generation as "parentGeneration", number as generation, published_at as "forkedAt"
       from line where parent_generation is not null`,
      [graphId],
    );
    return rows[0] ?? null;
  }

  /** Nothing of it is published until the caller's transaction ends. */
  async lock(em: EntityManager, graphId: string): Promise<void> {
    await em.query('select from graph where id = $1 for update', [graphId]);
  }

  /**
   * Locks a graph against further subgraphs and against its deletion, until the caller's transaction ends. Its status, and
   * how many subgraphs take a place.
   */
  async lockParent(em: EntityManager, parentId: string): Promise<{ status: string; subgraphs: number; last: number }> {
    const [graph] = await em.query<{ status: string }[]>('select status from graph where id = $1 for update', [
      parentId,
    ]);
    const [counts] = await em.query<{ subgraphs: number; last: number }[]>(
      `select count(*) filter (where g.status <> 'deleted')::int as subgraphs, coalesce(max(s.index), 0) as last
       from graph g join subgraph s on s.graph_id = g.id where g.parent_id = $1`,
      [parentId],
    );
    return { status: graph?.status ?? 'deleted', ...counts };
  }

  /** Its graph is there already; what an earlier one of the same name left is replaced. */
  async insert(
    em: EntityManager,
    subgraph: Pick<
      Subgraph,
      'graphId' | 'name' | 'index' | 'type' | 'metadata' | 'forked' | 'forkOptions' | 'expiresAt'
    >,
  ): Promise<void> {
    const { graphId, name, index, type, metadata, forked, forkOptions, expiresAt } = subgraph;
    await em.query('delete from subgraph where graph_id = $1', [graphId]);
    await em.query(
      `insert into subgraph (graph_id, name, index, type, metadata, forked, fork_options, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [graphId, name, index, type, json(metadata), forked, json(forkOptions), expiresAt],
    );
  }

  /** In the transaction that makes a generation live: it began as this one of the parent's. */
  async noteOrigin(em: EntityManager, graphId: string, generation: number, parentGeneration: number): Promise<void> {
    await em.query('update generation set parent_generation = $3 where graph_id = $1 and number = $2', [
      graphId,
      generation,
      parentGeneration,
    ]);
  }

  /** Ids of those whose time is over and that nobody is deleting yet, the longest overdue first. */
  async expired(now: Date): Promise<string[]> {
    const rows = await this.transactor.em.query<{ id: string }[]>(
      `select g.id from subgraph s join graph g on g.id = s.graph_id
       where s.expires_at <= $1 and g.status = 'active' order by s.expires_at`,
      [now],
    );
    return rows.map(({ id }) => id);
  }

  /** Whether it is still one of {@link expired}; if so, until the caller's transaction ends. */
  async lockExpired(em: EntityManager, graphId: string, now: Date): Promise<boolean> {
    const rows = await em.query<unknown[]>(
      `select 1 from subgraph s join graph g on g.id = s.graph_id
       where s.graph_id = $1 and s.expires_at <= $2 and g.status = 'active' for update`,
      [graphId, now],
    );
    return rows.length > 0;
  }

  async setExpiry(em: EntityManager, graphId: string, expiresAt: Date | null): Promise<void> {
    await em.query('update subgraph set expires_at = $2 where graph_id = $1', [graphId, expiresAt]);
    await em.query('update graph set updated_at = now() where id = $1', [graphId]);
  }

  async setOperation(em: EntityManager, graphId: string, operationId: string): Promise<void> {
    await em.query('update subgraph set operation_id = $2 where graph_id = $1', [graphId, operationId]);
  }

  /** Gives up a subgraph that was not made: it takes no place and no name any more. */
  async giveUp(em: EntityManager, graphId: string): Promise<void> {
    await em.query(
      `update graph set status = 'deleted', deleted_at = now(), updated_at = now() where id = $1 and status = 'provisioning'`,
      [graphId],
    );
  }

  /** Lets what was given up by the end of `operationId` be made after all; false where something else has come since. */
  async reopen(em: EntityManager, graphId: string, operationId: string): Promise<boolean> {
    const [, changed] = await em.query<[unknown, number]>(
      `update graph g set status = 'provisioning', deleted_at = null, updated_at = now()
       from subgraph s where g.id = $1 and s.graph_id = g.id and g.status = 'deleted' and g.live_generation is null
         and s.operation_id = $2`,
      [graphId, operationId],
    );
    return changed === 1;
  }
}

function json(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
