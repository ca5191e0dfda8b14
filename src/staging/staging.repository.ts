import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull, Not, type QueryDeepPartialEntity } from 'typeorm';
import { UUID } from '../common/ids';
import { type FileStatus, type MadeObject, type SentObject, StagedFile } from './staged-file.entity';
import { FileNotFound } from './staging.errors';

export interface FileFilter {
  tableName?: string;
  statuses?: FileStatus[];
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

/** A file that was announced and never sent. */
export type AbandonedFile = Pick<StagedFile, 'id' | 'graphId' | 'tableName' | 'fileName'> & { orgId: string };

type NewFile = Pick<
  StagedFile,
  | 'id'
  | 'graphId'
  | 'tableName'
  | 'fileName'
  | 'format'
  | 'options'
  | 'ownOptions'
  | 'ingestBy'
  | 'createdBy'
  | 'createdAt'
>;
type Changes = Partial<Omit<StagedFile, 'id' | 'graphId'>>;

/** Whether the schema of graph `g` still has the type of file `f`. */
const HAS_TYPE = `(g.schema -> 'nodes') || (g.schema -> 'relationships')
  @> jsonb_build_array(jsonb_build_object('name', f.table_name))`;

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

  /** The file of this graph, which nobody else can change until the end of the transaction. Throws {@link FileNotFound}. */
  async lock(em: EntityManager, graphId: string, fileId: string): Promise<StagedFile> {
    const where = { id: fileId, graphId };
    const file = UUID.test(fileId)
      ? await em.findOne(StagedFile, { where, lock: { mode: 'pessimistic_write' } })
      : null;
    if (file === null) throw new FileNotFound(fileId);
    return file;
  }

  /** Notes that a file is to be loaded once it is staged; an operation that already does that is kept. */
  async askToIngest(em: EntityManager, fileId: string, userId: string | null): Promise<void> {
    await em.query(
      `update staged_file set ingest_by = $2, ingest_operation_id = (
         select id from operation o where o.id = ingest_operation_id and o.status in ('pending', 'running')
       ) where id = $1`,
      [fileId, userId],
    );
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

  /** Graphs with staged files that are to be loaded, and that no operation changes now. */
  async graphsToIngest(em: EntityManager): Promise<string[]> {
    const rows = await em.query<{ id: string }[]>(
      `select distinct graph_id as id from staged_file f
       where ingest_by is not null and ingest_operation_id is null and status = 'staged'
         and materialized_generation is null
         and not exists (select from operation_lock l where l.resource = 'graph:' || f.graph_id)
         and exists (select from graph g where g.id = f.graph_id and g.status = 'active')`,
    );
    return rows.map(({ id }) => id);
  }

  /** The staged files of a graph that are to be loaded and that no operation was begun for, oldest first. */
  lockFilesToIngest(em: EntityManager, graphId: string): Promise<StagedFile[]> {
    return em.find(StagedFile, {
      where: {
        graphId,
        status: 'staged',
        ingestBy: Not(IsNull()),
        ingestOperationId: IsNull(),
        materializedGeneration: IsNull(),
      },
      order: { createdAt: 'ASC', id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
  }

  async noteIngestion(em: EntityManager, fileIds: string[], operationId: string): Promise<void> {
    await em.update(StagedFile, { id: In(fileIds) }, { ingestOperationId: operationId });
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

  /**
   * The keys of what a file has, of rows that an operation may load or load again, and of all rows of a graph while one of
   * its operations runs, which may be writing them anew.
   */
  async neededUploads(em: EntityManager, sent: SentObject[]): Promise<Set<string>> {
    const rows = await em.query<{ key: string }[]>(
      `select given.key from jsonb_to_recordset($1) as given (key text, "graphId" text, "fileId" text)
       where exists (select from staged_file f
           where f.id = given."fileId"::uuid and given.key in (f.upload_key, f.part_key))
         or exists (select from operation o where o.graph_id = given."graphId"
           and (o.status in ('pending', 'running')
             or (o.status <> 'completed' and o.payload ->> 'batchId' = given."fileId")))`,
      [JSON.stringify(sent)],
    );
    return new Set(rows.map(({ key }) => key));
  }

  /** Removes files, oldest first, whose bytes have not come since; those that somebody is changing are left for later. */
  async removePending(em: EntityManager, before: Date, limit: number): Promise<AbandonedFile[]> {
    const [rows] = await em.query<[AbandonedFile[], number]>(
      `delete from staged_file f using graph g
       where g.id = f.graph_id and f.id in (
         select id from staged_file where status = 'pending' and created_at < $1
         order by created_at limit $2 for update skip locked
       )
       returning f.id, f.graph_id as "graphId", g.org_id as "orgId", f.table_name as "tableName",
         f.file_name as "fileName"`,
      [before, limit],
    );
    return rows;
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
  async noteChange(em: EntityManager, graphId: string, reason: string, at: Date): Promise<void> {
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
             and ${HAS_TYPE}
         ) or exists (
           select from unnest($2::uuid[]) as held(id)
           where not exists (select from staged_file f where f.id = held.id and f.status = 'staged')
         ) as differs) as standing
       where id = $1`,
      [graphId, files, at, materializations, reason, behind],
    );
  }
}
