import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { GraphBusy } from './staging.errors';

/** What a generation that goes live holds. */
export interface HeldFiles {
  files: string[];
  generation: number;
  /** Why the graph may be stale now. */
  reason: string;
  /** Why it certainly is: its schema asks for more of these files than it holds. */
  behind: string | null;
  materializations: number;
}

/** Whether the schema of graph `g` still has the type of file `f`. */
const HAS_TYPE = `(g.schema -> 'nodes') || (g.schema -> 'relationships')
  @> jsonb_build_array(jsonb_build_object('name', f.table_name))`;

/** How a graph stands to its staged files: whether it is stale, since when and why, and whether it may change now. */
@Injectable()
export class GraphStanding {
  constructor(private readonly clock: Clock) {}

  /** Throws `GraphBusy` while an operation changes the graph. */
  async requireUnchanging(em: EntityManager, graphId: string): Promise<void> {
    const busy = await this.changingOperation(em, graphId);
    if (busy !== null) throw new GraphBusy(busy);
  }

  /** The operation that is changing the graph now, or null. */
  async changingOperation(em: EntityManager, graphId: string): Promise<string | null> {
    const rows = await em.query<{ operation_id: string }[]>(
      'select operation_id from operation_lock where resource = $1',
      [`graph:${graphId}`],
    );
    return rows[0]?.operation_id ?? null;
  }

  /**
   * Notes that the staged files are others than before, for `reason`: the graph is stale unless the live generation holds
   * exactly those of its types, with all that its schema asks for. The first such moment is kept, the last reason.
   */
  async noteChange(em: EntityManager, graphId: string, reason: string, at = this.clock.now()): Promise<void> {
    // The row's lock comes first: of two changes at once the second one sees what the first has done.
    await em.query('select 1 from graph where id = $1 for update', [graphId]);
    await em.query(
      `with live as (
         select files, behind from generation where graph_id = $1 and status = 'live'
       ), held as (
         select unnest(files) as id from live
       ), staged as (
         select f.id from staged_file f join graph g on g.id = f.graph_id
         where f.graph_id = $1 and f.status = 'staged' and ${HAS_TYPE}
       )
       update graph set updated_at = $3,
         stale_reason = case when behind is not null then behind when differs then $2 end,
         stale_since = case when behind is not null or differs then coalesce(stale_since, $3) end
       from (
         select (select behind from live) as behind,
           exists (select id from held except select id from staged)
             or exists (select id from staged except select id from held) as differs
       ) as standing
       where id = $1`,
      [graphId, reason, at],
    );
  }

  /**
   * Notes which files the live generation holds. The graph is fresh if these are the staged files of its types and it is
   * not `behind`; else it stays stale for the reason that it has, or becomes so for `reason`.
   */
  async noteHeld(em: EntityManager, graphId: string, held: HeldFiles): Promise<void> {
    const { files, generation, reason, behind, materializations } = held;
    // The row's lock comes first: a file that is being staged now either is counted below or marks the graph after us.
    await em.query('select 1 from graph where id = $1 for update', [graphId]);
    await em.query(
      `update staged_file set materialized_generation = case when id = any($2) then $3::int end
       where graph_id = $1 and (id = any($2)) = (materialized_generation is null)`,
      [graphId, files, generation],
    );
    await em.query(
      `update graph set materialization_count = materialization_count + $4, updated_at = $3,
         last_materialized_at = case when $4 > 0 then $3 else last_materialized_at end,
         stale_reason = case when differs then coalesce(stale_reason, $6, $5) end,
         stale_since = case when differs then coalesce(stale_since, $3) end
       from (select $6::text is not null or exists (
           select from staged_file f join graph g on g.id = f.graph_id
           where f.graph_id = $1 and f.status = 'staged' and not f.id = any($2)
             and ${HAS_TYPE}
         ) or exists (
           select from unnest($2::uuid[]) as held(id)
           where not exists (select from staged_file f where f.id = held.id and f.status = 'staged')
         ) as differs) as standing
       where id = $1`,
      [graphId, files, this.clock.now(), materializations, reason, behind],
    );
  }
}
