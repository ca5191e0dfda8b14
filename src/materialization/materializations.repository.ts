import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';

export interface LoadedTable {
  table_name: string;
  rows_loaded: number;
  rows_rejected: number;
  rows_replaced: number;
}

export interface LoadedFile {
  file_id: string;
  file_name: string;
  table_name: string;
  row_count: number | null;
}

/** A materialization that was published, with what went into it. */
export interface Materialization {
  generation: number;
  operationId: string;
  mode: string;
  baseGeneration: number | null;
  files: LoadedFile[];
  tables: LoadedTable[];
  rowsLoaded: number;
  rowsRejected: number;
  startedAt: Date;
  publishedAt: Date;
}

/** How its generation stands now. */
export interface PastMaterialization extends Materialization {
  status: string;
  supersededAt: Date | null;
}

/** What was published when, from what. */
@Injectable()
export class MaterializationsRepository {
  constructor(private readonly transactor: Transactor) {}

  async insert(em: EntityManager, graphId: string, one: Materialization): Promise<void> {
    await em.query(
      `insert into materialization (graph_id, generation, operation_id, mode, base_generation, files, tables, rows_loaded,
         rows_rejected, started_at, published_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        graphId,
        one.generation,
        one.operationId,
        one.mode,
        one.baseGeneration,
        JSON.stringify(one.files),
        JSON.stringify(one.tables),
        one.rowsLoaded,
        one.rowsRejected,
        one.startedAt,
        one.publishedAt,
      ],
    );
  }

  /** Newest first. */
  async list(
    graphId: string,
    { limit, offset }: { limit: number; offset: number },
  ): Promise<{ materializations: PastMaterialization[]; total: number }> {
    const { em } = this.transactor;
    const [rows, [{ total }]] = await Promise.all([
      em.query<(Omit<PastMaterialization, 'rowsLoaded' | 'rowsRejected'> & { loaded: string; rejected: string })[]>(
        `select m.generation, m.operation_id as "operationId", m.mode, m.base_generation as "baseGeneration", m.files, m.tables,
           m.rows_loaded as loaded, m.rows_rejected as rejected, m.started_at as "startedAt",
           m.published_at as "publishedAt", g.status, g.retired_at as "supersededAt"
         from materialization m join generation g on g.graph_id = m.graph_id and g.number = m.generation
         where m.graph_id = $1 order by m.generation desc limit $2 offset $3`,
        [graphId, limit, offset],
      ),
      em.query<[{ total: string }]>('select count(*) as total from materialization where graph_id = $1', [graphId]),
    ]);
    const materializations = rows.map(({ loaded, rejected, ...row }) => ({
      ...row,
      rowsLoaded: Number(loaded),
      rowsRejected: Number(rejected),
    }));
    return { materializations, total: Number(total) };
  }
}
