import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type FileStatus, StagedFile } from './staged-file.entity';
import { StagingTable } from './staging-table.entity';

/** Files of a table that have come equally far. */
export interface FileTotals {
  tableName: string;
  status: FileStatus;
  files: number;
  rows: number;
  bytes: number;
  /** How many of them the live generation holds. */
  held: number;
}

/** Declared staging tables, and the files of whole tables. */
@Injectable()
export class TablesRepository {
  find(em: EntityManager, graphId: string, name: string): Promise<StagingTable | null> {
    return em.findOneBy(StagingTable, { graphId, name });
  }

  list(em: EntityManager, graphId: string): Promise<StagingTable[]> {
    return em.findBy(StagingTable, { graphId });
  }

  async put(em: EntityManager, table: StagingTable): Promise<void> {
    await em.query(
      `insert into staging_table (graph_id, name, options, created_by, created_at, updated_at)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (graph_id, name) do update set options = excluded.options, updated_at = excluded.updated_at`,
      [table.graphId, table.name, JSON.stringify(table.options), table.createdBy, table.createdAt, table.updatedAt],
    );
  }

  async totals(em: EntityManager, graphId: string): Promise<FileTotals[]> {
    const rows = await em.query<Record<keyof FileTotals, string>[]>(
      `select table_name as "tableName", status, count(*) as files, coalesce(sum(row_count), 0) as rows,
         sum(size_bytes) as bytes, count(materialized_generation) as held
       from staged_file where graph_id = $1 group by table_name, status`,
      [graphId],
    );
    return rows.map(({ tableName, status, ...counts }) => ({
      tableName,
      status: status as FileStatus,
      files: Number(counts.files),
      rows: Number(counts.rows),
      bytes: Number(counts.bytes),
      held: Number(counts.held),
    }));
  }

  /** The tables of files that the live generation holds though they were removed; the history knows whose they were. */
  async tablesOfRemovedFiles(em: EntityManager, graphId: string): Promise<Set<string>> {
    const rows = await em.query<{ name: string }[]>(
      `with gone as (
         select held.id from generation g cross join unnest(g.files) as held (id)
         where g.graph_id = $1 and g.status = 'live' and not exists (select from staged_file f where f.id = held.id)
       )
       select distinct loaded ->> 'table_name' as name
       from materialization m cross join jsonb_array_elements(m.files) as loaded
       where m.graph_id = $1 and exists (select from gone) and (loaded ->> 'file_id')::uuid in (select id from gone)`,
      [graphId],
    );
    return new Set(rows.map(({ name }) => name));
  }

  /** All files of a table, locked in one order, so that two who do this do not wait for each other. */
  lockFiles(em: EntityManager, graphId: string, tableName: string): Promise<StagedFile[]> {
    return em.find(StagedFile, {
      where: { graphId, tableName },
      order: { id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** What was declared of it, and these files. */
  async remove(em: EntityManager, graphId: string, name: string, fileIds: string[]): Promise<boolean> {
    if (fileIds.length > 0) await em.delete(StagedFile, fileIds);
    const { affected } = await em.delete(StagingTable, { graphId, name });
    return affected === 1;
  }
}
