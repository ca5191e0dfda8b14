import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { LARGEST_INTEGER } from '../common/units';
import { Transactor } from '../database/transactor';
import type { GenerationContents } from '../graphs/generation-contents';
import type { EndPair, GraphSchema } from './graph-schema';
import type { SchemaVersion } from './schema-version';

const COLUMNS = `number, status, schema, base, changes, operation_id as "operationId", generation, note,
  created_at as "createdAt", applied_at as "appliedAt"`;

/** What staging holds of one table. */
export interface StagedTable {
  table: string;
  files: number;
  /** Lower-case names of the columns of all its files. */
  columns: string[];
}

export interface CurrentVersion {
  /** Null where no version has the graph's schema. */
  number: number | null;
  generation: number | null;
  schema: GraphSchema | null;
}

/** Reads and writes of the versions of schemas. */
@Injectable()
export class SchemasRepository {
  constructor(private readonly transactor: Transactor) {}

  /** Newest first. */
  list(graphId: string): Promise<SchemaVersion[]> {
    return this.transactor.em.query<SchemaVersion[]>(
      `select ${COLUMNS} from graph_schema_version where graph_id = $1 order by number desc`,
      [graphId],
    );
  }

  async find(graphId: string, number: number): Promise<SchemaVersion | null> {
    if (Math.abs(number) > LARGEST_INTEGER) return null;
    const rows = await this.transactor.em.query<SchemaVersion[]>(
      `select ${COLUMNS} from graph_schema_version where graph_id = $1 and number = $2`,
      [graphId, number],
    );
    return rows[0] ?? null;
  }

  /** Number of the version that the graph has now, and of its live data. */
  async current(graphId: string, em: EntityManager = this.transactor.em): Promise<CurrentVersion> {
    const rows = await em.query<CurrentVersion[]>(
      `select (select max(v.number) from graph_schema_version v
         where v.graph_id = g.id and v.status = 'applied' and v.schema = g.schema) as number,
         g.live_generation as generation, g.schema
       from graph g where g.id = $1`,
      [graphId],
    );
    return rows[0] ?? { number: null, generation: null, schema: null };
  }

  async insertPending(
    em: EntityManager,
    graphId: string,
    version: Pick<SchemaVersion, 'schema' | 'changes' | 'base'>,
    createdBy: string,
  ): Promise<number> {
    // Two at once take turns, so that each gets a number of its own.
    await em.query('select 1 from graph where id = $1 for update', [graphId]);
    const rows = await em.query<{ number: number }[]>(
      `insert into graph_schema_version (graph_id, number, status, schema, changes, base, created_by)
       select $1, coalesce(max(number), 1) + 1, 'pending', $2, $3, $4, $5 from graph_schema_version where graph_id = $1
       returning number`,
      [graphId, JSON.stringify(version.schema), JSON.stringify(version.changes), version.base, createdBy],
    );
    return rows[0].number;
  }

  /** Notes a version that the graph has already. */
  async insertApplied(
    em: EntityManager,
    graphId: string,
    version: Pick<SchemaVersion, 'schema' | 'changes' | 'base' | 'generation' | 'note'>,
    createdBy: string | null,
  ): Promise<void> {
    await em.query(
      `insert into graph_schema_version
         (graph_id, number, status, schema, changes, base, generation, note, created_by, applied_at)
       select $1, coalesce(max(number), 0) + 1, 'applied', $2, $3, $4, $5, $6, $7, now()
       from graph_schema_version where graph_id = $1`,
      [
        graphId,
        JSON.stringify(version.schema),
        JSON.stringify(version.changes),
        version.base,
        version.generation,
        version.note,
        createdBy,
      ],
    );
  }

  /** The last version that was applied, whether or not the graph still has its schema. */
  async lastApplied(em: EntityManager, graphId: string): Promise<SchemaVersion | null> {
    const rows = await em.query<SchemaVersion[]>(
      `select ${COLUMNS} from graph_schema_version where graph_id = $1 and status = 'applied' order by number desc limit 1`,
      [graphId],
    );
    return rows[0] ?? null;
  }

  async setOperation(em: EntityManager, graphId: string, number: number, operationId: string): Promise<void> {
    await em.query('update graph_schema_version set operation_id = $3 where graph_id = $1 and number = $2', [
      graphId,
      number,
      operationId,
    ]);
  }

  /** Notes in files of a relationship which types their rows join, where neither they nor their sender say it. */
  async sayEnds(em: EntityManager, graphId: string, { table, pair }: { table: string; pair: EndPair }): Promise<void> {
    await em.query(
      `update staged_file set options = options || jsonb_build_object('ends', $3::jsonb || coalesce(options -> 'ends', '{}')),
         own_options = own_options || jsonb_build_object('ends', $3::jsonb || coalesce(own_options -> 'ends', '{}'))
       where graph_id = $1 and table_name = $2`,
      [graphId, table, JSON.stringify(pair)],
    );
  }

  /** Notes of the live generation, whose data stays as it is, how it now stands to its files. */
  async noteBehind(em: EntityManager, graphId: string, { behind, taken }: GenerationContents): Promise<void> {
    await em.query(`update generation set behind = $2, taken = $3 where graph_id = $1 and status = 'live'`, [
      graphId,
      behind,
      taken ? JSON.stringify(taken) : null,
    ]);
  }

  /**
   * Makes a pending version the graph's schema, after its generation has become live. The graph is stale where that is behind
   * its files, or holds others than are staged; `stale` says why where there is no other reason yet.
   */
  async apply(
    em: EntityManager,
    graphId: string,
    { number, schema }: SchemaVersion,
    generation: number | null,
    stale: string | null,
  ): Promise<void> {
    await em.query(
      `update graph_schema_version set status = 'applied', applied_at = now(), generation = $3
       where graph_id = $1 and number = $2`,
      [graphId, number, generation],
    );
    await em.query(
      `with live as (
         select files, behind from generation where graph_id = $1 and status = 'live'
       ), held as (
         select unnest(files) as id from live
       ), staged as (
         select id from staged_file where graph_id = $1 and status = 'staged' and table_name = any($4)
       )
       update graph set schema = $2, updated_at = now(),
         stale_reason = case when behind is not null then behind when differs then coalesce($3, stale_reason) end,
         stale_since = case when behind is not null or differs then coalesce(stale_since, now()) end
       from (
         select (select behind from live) as behind,
           exists (select id from held except select id from staged)
             or exists (select id from staged except select id from held) as differs
       ) as standing
       where id = $1`,
      [graphId, JSON.stringify(schema), stale, [...schema.nodes, ...schema.relationships].map(({ name }) => name)],
    );
  }

  /** Moves a version from one status to another; false where it has a third. */
  async move(
    em: EntityManager,
    graphId: string,
    number: number,
    from: SchemaVersion['status'],
    to: SchemaVersion['status'],
  ): Promise<boolean> {
    const [, changed] = await em.query<[unknown, number]>(
      'update graph_schema_version set status = $4 where graph_id = $1 and number = $2 and status = $3',
      [graphId, number, from, to],
    );
    return changed === 1;
  }

  /** Those of the files whose tables are none of these types. A file that was deleted since cannot be told. */
  async filesOfOthers(graphId: string, files: string[], types: string[]): Promise<string[]> {
    const rows = await this.transactor.em.query<{ id: string }[]>(
      'select id from staged_file where graph_id = $1 and id = any($2) and not table_name = any($3)',
      [graphId, files, types],
    );
    return rows.map(({ id }) => id);
  }

  /** Says of files that the graph does not hold them any more. */
  async release(em: EntityManager, graphId: string, files: string[]): Promise<void> {
    await em.query('update staged_file set materialized_generation = null where graph_id = $1 and id = any($2)', [
      graphId,
      files,
    ]);
  }

  /** Tables of which rows were rejected when what the live data holds was loaded. */
  async tablesWithRejects(graphId: string): Promise<string[]> {
    const rows = await this.transactor.em.query<{ table: string }[]>(
      `with live as (select number from generation where graph_id = $1 and status = 'live'),
         loads as (select m.* from materialization m, live where m.graph_id = $1 and m.generation <= live.number)
       select distinct t ->> 'table_name' as table
       from loads, jsonb_array_elements(loads.tables) t
       where (t ->> 'rows_rejected')::bigint > 0
         and loads.generation >= coalesce((select max(generation) from loads where mode = 'rebuild'), 0)`,
      [graphId],
    );
    return rows.map(({ table }) => table);
  }

  /** The tables that have staged files, with the columns of these; of all files, or of some. */
  stagedTables(graphId: string, among: string[] | null = null): Promise<StagedTable[]> {
    return this.transactor.em.query<StagedTable[]>(
      `select f.table_name as table, count(distinct f.id)::int as files,
         coalesce(array_agg(distinct lower(c ->> 'name')) filter (where c is not null), '{}') as columns
       from staged_file f left join lateral jsonb_array_elements(f.columns) c on true
       where f.graph_id = $1 and f.status = 'staged' and ($2::uuid[] is null or f.id = any($2)) group by f.table_name`,
      [graphId, among],
    );
  }
}
