import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import type { QueryColumn } from '../engine/graph-engine';

/** Rows between two lines whose places in a stored result are known. */
export const INDEX_ROWS = 2_000;

export interface StoredQuery {
  operationId: string;
  graphId: string;
  statement: string;
  parameters: Record<string, unknown>;
  columns: QueryColumn[] | null;
  rowCount: number | null;
  /** The result was longer than its tier allows. */
  truncated: boolean;
  bytes: number | null;
  objectKey: string | null;
  expiresAt: Date | null;
  expiredAt: Date | null;
}

type Published = 'columns' | 'rowCount' | 'truncated' | 'bytes' | 'objectKey';

const FIELDS = `operation_id as "operationId", graph_id as "graphId", statement, parameters, columns,
  row_count::float8 as "rowCount", truncated, bytes::float8 as bytes, object_key as "objectKey", expires_at as "expiresAt", expired_at as "expiredAt"`;

@Injectable()
export class QueryResultsRepository {
  constructor(private readonly transactor: Transactor) {}

  async insert(
    em: EntityManager,
    query: Pick<StoredQuery, 'operationId' | 'graphId' | 'statement' | 'parameters'>,
  ): Promise<void> {
    await em.query('insert into query_result (operation_id, graph_id, statement, parameters) values ($1, $2, $3, $4)', [
      query.operationId,
      query.graphId,
      query.statement,
      JSON.stringify(query.parameters),
    ]);
  }

  /** The same question for an operation that asks it again; false where the first one is gone. */
  async copy(em: EntityManager, fromOperation: string, toOperation: string): Promise<boolean> {
    const copied = await em.query<object[]>(
      `insert into query_result (operation_id, graph_id, statement, parameters)
       select $2, graph_id, statement, parameters from query_result where operation_id = $1 returning operation_id`,
      [fromOperation, toOperation],
    );
    return copied.length === 1;
  }

  async find(operationId: string): Promise<StoredQuery | undefined> {
    const [found] = await this.transactor.em.query<StoredQuery[]>(
      `select ${FIELDS} from query_result where operation_id = $1`,
      [operationId],
    );
    return found;
  }

  /**
   * Where in a result's bytes a row is looked for best: the byte, and how many rows come before that. Results of before
   * there was an index are read from their beginning.
   */
  async placeOf(operationId: string, row: number): Promise<{ start: number; rowsBefore: number }> {
    const step = Math.floor(row / INDEX_ROWS);
    const [found] = await this.transactor.em.query<{ start: number | null }[]>(
      'select line_offsets[$2::int + 1]::float8 as start from query_result where operation_id = $1',
      [operationId, step],
    );
    const start = found?.start ?? null;
    return start === null ? { start: 0, rowsBefore: 0 } : { start, rowsBefore: step * INDEX_ROWS };
  }

  /** Queries of a graph that run as operations or wait to. */
  async unfinished(graphId: string): Promise<number> {
    const [{ count }] = await this.transactor.em.query<{ count: number }[]>(
      `select count(*)::int as count from query_result q join operation o on o.id = q.operation_id
       where q.graph_id = $1 and q.object_key is null and o.status in ('pending', 'running')`,
      [graphId],
    );
    return count;
  }

  /** Publishes a stored result; it expires `hours` from now. */
  async publish(
    em: EntityManager,
    operationId: string,
    result: Pick<{ [F in keyof StoredQuery]: NonNullable<StoredQuery[F]> }, Published> & { lineOffsets: number[] },
    hours: number,
  ): Promise<Date> {
    const [[row]] = await em.query<[[{ expires_at: Date }], number]>(
      `update query_result set columns = $2, row_count = $3, bytes = $4, object_key = $5, stored_at = now(),
         expires_at = now() + make_interval(hours => $6), truncated = $7, line_offsets = $8
       where operation_id = $1 returning expires_at`,
      [
        operationId,
        JSON.stringify(result.columns),
        result.rowCount,
        result.bytes,
        result.objectKey,
        hours,
        result.truncated,
        result.lineOffsets,
      ],
    );
    return row.expires_at;
  }

  /** Marks results whose time is over as expired, and returns where their bytes are. */
  async expireDue(): Promise<string[]> {
    const [rows] = await this.transactor.em.query<[{ key: string }[], number]>(
      `update query_result set expired_at = now()
       where expired_at is null and expires_at <= now() returning object_key as key`,
    );
    return rows.map(({ key }) => key);
  }

  /** Of these objects, the ones that a result which has not expired names, or that a running query may yet publish. */
  async stillNeeded(keys: { key: string; operationId: string }[]): Promise<Set<string>> {
    const rows = await this.transactor.em.query<{ key: string }[]>(
      `select given.key from jsonb_to_recordset($1) as given (key text, "operationId" text)
       join query_result q on q.operation_id = given."operationId" join operation o on o.id = q.operation_id
       where (q.object_key = given.key and q.expired_at is null) or o.status in ('pending', 'running')`,
      [JSON.stringify(keys)],
    );
    return new Set(rows.map(({ key }) => key));
  }
}
