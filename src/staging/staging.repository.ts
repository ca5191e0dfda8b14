import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull, Not, type QueryDeepPartialEntity } from 'typeorm';
import { UUID } from '../common/ids';
import { type FileStatus, StagedFile } from './staged-file.entity';
import { FileNotFound } from './staging.errors';

export interface FileFilter {
  tableName?: string;
  statuses?: FileStatus[];
}

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

/** Rows of staged files. */
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
}
