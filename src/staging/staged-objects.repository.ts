import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { MadeObject, SentObject, StagedFile } from './staged-file.entity';

/** A file that was announced and never sent. */
export type AbandonedFile = Pick<StagedFile, 'id' | 'graphId' | 'tableName' | 'fileName'> & { orgId: string };

/** Which stored objects of staging are needed, and which files nobody ever sent. */
@Injectable()
export class StagedObjectsRepository {
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
}
