import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import type { QueryColumn } from '../engine/graph-engine';

export interface StoredQuery {
  operationId: string;
  graphId: string;
  statement: string;
  parameters: Record<string, unknown>;
  columns: QueryColumn[] | null;
  rowCount: number | null;
  bytes: number | null;
  objectKey: string | null;
  expiresAt: Date | null;
  expiredAt: Date | null;
}

const FIELDS = `operation_id as "operationId", graph_id as "graphId", statement, parameters, columns,
  row_count::float8 as "rowCount", bytes::float8 as bytes, object_key as "objectKey", expires_at as "expiresAt", expired_at as "expiredAt"`;

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

  /** Publishes a stored result; it expires `hours` from now. */
  async publish(
    em: EntityManager,
    operationId: string,
    result: { columns: QueryColumn[]; rowCount: number; bytes: number; objectKey: string },
    hours: number,
  ): Promise<Date> {
    const [[row]] = await em.query<[[{ expires_at: Date }], number]>(
      `update query_result set columns = $2, row_count = $3, bytes = $4, object_key = $5, stored_at = now(),
         expires_at = now() + make_interval(hours => $6)
       where operation_id = $1 returning expires_at`,
      [operationId, JSON.stringify(result.columns), result.rowCount, result.bytes, result.objectKey, hours],
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
