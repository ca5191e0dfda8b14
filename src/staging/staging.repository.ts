import { Injectable } from '@nestjs/common';
import { type EntityManager, In, type QueryDeepPartialEntity } from 'typeorm';
import { type FileStatus, type MadeObject, StagedFile } from './staged-file.entity';

export interface FileFilter {
  tableName?: string;
  statuses?: FileStatus[];
}

export interface TableTotals {
  tableName: string;
  rows: number;
  files: number;
  bytes: number;
}

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

type NewFile = Pick<
  StagedFile,
  'id' | 'graphId' | 'tableName' | 'fileName' | 'format' | 'options' | 'createdBy' | 'createdAt'
>;
type Changes = Partial<Omit<StagedFile, 'id' | 'graphId'>>;

/** Rows of staged files, and what staging knows of the graph's row. */
@Injectable()
export class StagingRepository {
  async insert(em: EntityManager, file: NewFile): Promise<void> {
    await em.insert(StagedFile, { ...file, status: 'pending', sizeBytes: 0 });
  }

  async insertStaged(em: EntityManager, files: StagedFile[]): Promise<void> {
    await em.insert(StagedFile, files as QueryDeepPartialEntity<StagedFile>[]);
  }

  find(em: EntityManager, fileId: string): Promise<StagedFile | null> {
    return em.findOneBy(StagedFile, { id: fileId });
  }

  findLocked(em: EntityManager, graphId: string, fileId: string): Promise<StagedFile | null> {
    return em.findOne(StagedFile, { where: { id: fileId, graphId }, lock: { mode: 'pessimistic_write' } });
  }

  async list(
    em: EntityManager,
    graphId: string,
    { tableName, statuses }: FileFilter,
    page: { limit?: number; offset?: number },
  ): Promise<StagedFile[]> {
    return em.find(StagedFile, {
      where: { graphId, ...(tableName && { tableName }), ...(statuses && { status: In(statuses) }) },
      order: { createdAt: 'ASC', id: 'ASC' },
      take: page.limit,
      skip: page.offset,
    });
  }

  /** Number and size of all files that pass the filter. */
  async totals(
    em: EntityManager,
    graphId: string,
    { tableName, statuses }: FileFilter,
  ): Promise<{ files: number; bytes: number }> {
    const [row] = await em.query<{ files: string; bytes: string }[]>(
      `select count(*) as files, coalesce(sum(size_bytes), 0) as bytes from staged_file
       where graph_id = $1 and ($2::text is null or table_name = $2) and ($3::text[] is null or status = any($3))`,
      [graphId, tableName ?? null, statuses ?? null],
    );
    return { files: Number(row.files), bytes: Number(row.bytes) };
  }

  /** What is staged, by table. */
  async tables(em: EntityManager, graphId: string): Promise<TableTotals[]> {
    const rows = await em.query<{ table_name: string; rows: string; files: string; bytes: string }[]>(
      `select table_name, coalesce(sum(row_count), 0) as rows, count(*) as files, sum(size_bytes) as bytes
       from staged_file where graph_id = $1 and status = 'staged' group by table_name`,
      [graphId],
    );
    return rows.map((row) => ({
      tableName: row.table_name,
      rows: Number(row.rows),
      files: Number(row.files),
      bytes: Number(row.bytes),
    }));
  }

  /** Changes a file while it has one of the statuses `from`; false where it has another or is gone. */
  async change(em: EntityManager, fileId: string, from: FileStatus[], changes: Changes): Promise<boolean> {
    const { affected } = await em.update(
      StagedFile,
      { id: fileId, status: In(from) },
      changes as QueryDeepPartialEntity<StagedFile>,
    );
    return affected === 1;
  }

  async remove(em: EntityManager, fileId: string): Promise<void> {
    await em.delete(StagedFile, { id: fileId });
  }

  async removeAll(em: EntityManager, graphId: string): Promise<void> {
    await em.delete(StagedFile, { graphId });
  }

  /** The keys of those objects that are a file's part or kept rejects, or that an operation may still make so. */
  async neededObjects(em: EntityManager, objects: MadeObject[]): Promise<Set<string>> {
    const rows = await em.query<{ key: string }[]>(
      `select given.key from jsonb_to_recordset($1) as given (key text, "fileId" uuid, "operationId" text)
       where exists (select from staged_file f where f.id = given."fileId" and f.part_key = given.key)
         or exists (select from kept_rejects r
           where r.operation_id = given."operationId" and r.removed_at is null and starts_with(given.key, r.prefix))
         or exists (select from operation o where o.id = given."operationId" and o.status in ('pending', 'running'))`,
      [JSON.stringify(objects)],
    );
    return new Set(rows.map(({ key }) => key));
  }

  /** The operation that is changing the graph now, or null. */
  async changingOperation(em: EntityManager, graphId: string): Promise<string | null> {
    const rows = await em.query<{ operation_id: string }[]>(
      'select operation_id from operation_lock where resource = $1',
      [`graph:${graphId}`],
    );
    return rows[0]?.operation_id ?? null;
  }

  /** Says that the staging tables hold something else than the graph. The first such moment is kept, the last reason. */
  async markStale(em: EntityManager, graphId: string, reason: string, at: Date): Promise<void> {
    await em.query(
      'update graph set stale_reason = $2, stale_since = coalesce(stale_since, $3), updated_at = $3 where id = $1',
      [graphId, reason, at],
    );
  }

  /**
   * Notes which files the live generation holds. The graph is fresh if these are the staged files of its types and it is
   * not `behind`; else it stays stale for the reason that it has, or becomes so for `reason`.
   */
  async noteHeld(em: EntityManager, graphId: string, held: HeldFiles, at: Date): Promise<void> {
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
             and (g.schema -> 'nodes') || (g.schema -> 'relationships')
               @> jsonb_build_array(jsonb_build_object('name', f.table_name))
         ) or exists (
           select from unnest($2::uuid[]) as held(id)
           where not exists (select from staged_file f where f.id = held.id and f.status = 'staged')
         ) as differs) as standing
       where id = $1`,
      [graphId, files, at, materializations, reason, behind],
    );
  }
}
