import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import type { CreditPool, CreditTransaction, CreditTransactionType } from './credits';

const POOL = `graph_id as "graphId", balance::float8, monthly_allocation::float8 as "monthlyAllocation",
  to_char(month, 'YYYY-MM-DD') as month, alerted_percent as "alertedPercent"`;
const TRANSACTION = `id, graph_id as "graphId", type, amount::float8, balance_after::float8 as "balanceAfter", description,
  operation_type as "operationType", operation_id as "operationId", user_id as "userId", request_id as "requestId",
  idempotency_key as "idempotencyKey", metadata, created_at as "createdAt"`;
const FILTER = `graph_id = $1 and ($2::text is null or type = $2) and ($3::text is null or operation_type = $3)
  and ($4::timestamptz is null or created_at >= $4) and ($5::timestamptz is null or created_at < $5)`;

export interface TransactionFilter {
  type?: CreditTransactionType;
  operationType?: string;
  from?: Date;
  to?: Date;
}

/** Transactions of one type of operation, added up. */
export interface TransactionSum {
  operationType: string;
  amount: number;
  count: number;
}

/** Rows of pools and of their ledgers. */
@Injectable()
export class CreditsRepository {
  constructor(private readonly transactor: Transactor) {}

  async find(graphId: string, em: EntityManager = this.transactor.em): Promise<CreditPool | null> {
    const rows = await em.query<CreditPool[]>(`select ${POOL} from credit_pool where graph_id = $1`, [graphId]);
    return rows[0] ?? null;
  }

  /** Makes an empty pool where there is none, and keeps it from changing until the caller's transaction ends. */
  async lock(em: EntityManager, graphId: string, monthBefore: string): Promise<CreditPool> {
    await em.query(
      `insert into credit_pool (graph_id, balance, monthly_allocation, month) values ($1, 0, 0, $2)
       on conflict (graph_id) do nothing`,
      [graphId, monthBefore],
    );
    const [pool] = await em.query<CreditPool[]>(`select ${POOL} from credit_pool where graph_id = $1 for update`, [
      graphId,
    ]);
    return pool;
  }

  async allocate(em: EntityManager, graphId: string, month: string, allocation: number): Promise<void> {
    await em.query(
      `update credit_pool set balance = $3, monthly_allocation = $3, month = $2, alerted_percent = null where graph_id = $1`,
      [graphId, month, allocation],
    );
  }

  /** Takes credits where as many are there; what is left, or null where they are not. */
  async take(em: EntityManager, graphId: string, amount: number): Promise<number | null> {
    const [rows] = await em.query<[{ balance: number }[], number]>(
      `update credit_pool set balance = balance - $2 where graph_id = $1 and balance >= $2 returning balance::float8`,
      [graphId, amount],
    );
    return rows[0]?.balance ?? null;
  }

  async give(em: EntityManager, graphId: string, amount: number): Promise<number> {
    const [rows] = await em.query<[{ balance: number }[], number]>(
      `update credit_pool set balance = balance + $2 where graph_id = $1 returning balance::float8`,
      [graphId, amount],
    );
    return rows[0].balance;
  }

  /** False where it was told this month, or something lower was. */
  async noteAlert(em: EntityManager, graphId: string, percent: number): Promise<boolean> {
    const [, changed] = await em.query<[unknown, number]>(
      `update credit_pool set alerted_percent = $2 where graph_id = $1 and coalesce(alerted_percent, 101) > $2`,
      [graphId, percent],
    );
    return changed === 1;
  }

  async insert(em: EntityManager, one: CreditTransaction): Promise<void> {
    await em.query(
      `insert into credit_transaction (id, graph_id, type, amount, balance_after, description, operation_type,
         operation_id, user_id, request_id, idempotency_key, metadata, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
      [
        ...[one.id, one.graphId, one.type, one.amount, one.balanceAfter, one.description, one.operationType],
        ...[
          one.operationId,
          one.userId,
          one.requestId,
          one.idempotencyKey,
          JSON.stringify(one.metadata),
          one.createdAt,
        ],
      ],
    );
  }

  async byKey(graphId: string, key: string): Promise<CreditTransaction | null> {
    const rows = await this.transactor.em.query<CreditTransaction[]>(
      `select ${TRANSACTION} from credit_transaction where graph_id = $1 and idempotency_key = $2`,
      [graphId, key],
    );
    return rows[0] ?? null;
  }

  /** Newest first. */
  list(
    graphId: string,
    filter: TransactionFilter,
    page: { limit: number; offset: number },
  ): Promise<CreditTransaction[]> {
    return this.transactor.em.query(
      `select ${TRANSACTION} from credit_transaction where ${FILTER} order by position desc limit $6 offset $7`,
      [...valuesOf(graphId, filter), page.limit, page.offset],
    );
  }

  /** What passes the filter, by type of operation; those without one by the type of the transaction. */
  sums(graphId: string, filter: TransactionFilter): Promise<TransactionSum[]> {
    return this.transactor.em.query(
      `select coalesce(operation_type, type) as "operationType", sum(amount)::float8 as amount, count(*)::int as count
       from credit_transaction where ${FILTER} group by 1 order by 1`,
      valuesOf(graphId, filter),
    );
  }

  async count(graphId: string): Promise<number> {
    const [{ count }] = await this.transactor.em.query<{ count: number }[]>(
      'select count(*)::int as count from credit_transaction where graph_id = $1',
      [graphId],
    );
    return count;
  }

  /** Graphs, and grants to read a repository, that have no credits for a month yet; some of them, where there are many. */
  async withoutMonth(month: string, limit: number): Promise<string[]> {
    const rows = await this.transactor.em.query<{ id: string }[]>(
      `select s.id from (
         select id from graph where parent_id is null and status = 'active'
         union all select id::text from repository_grant where revoked_at is null
       ) s left join credit_pool p on p.graph_id = s.id
       where p.month is null or p.month < $1 order by s.id limit $2`,
      [month, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** Graphs that with their subgraphs take more than so many bytes, and for which a key is not booked yet. */
  async larger(bytes: number, key: string): Promise<{ graphId: string; tier: string; bytes: number }[]> {
    const rows = await this.transactor.em.query<{ graphId: string; tier: string; bytes: string }[]>(
      `select root.id as "graphId", root.tier, sum(coalesce((l.manifest ->> 'bytes')::bigint, 0) + f.bytes) as bytes
       from graph root
       join graph g on (g.id = root.id or g.parent_id = root.id) and g.status <> 'deleted'
       left join generation l on l.graph_id = g.id and l.status = 'live'
       cross join lateral (select coalesce(sum(size_bytes), 0)::bigint as bytes from staged_file where graph_id = g.id) f
       where root.parent_id is null and root.status = 'active'
         and not exists (select from credit_transaction t where t.graph_id = root.id and t.idempotency_key = $2)
       group by root.id having sum(coalesce((l.manifest ->> 'bytes')::bigint, 0) + f.bytes) > $1`,
      [bytes, key],
    );
    return rows.map((row) => ({ ...row, bytes: Number(row.bytes) }));
  }
}

function valuesOf(graphId: string, { type, operationType, from, to }: TransactionFilter): unknown[] {
  return [graphId, type ?? null, operationType ?? null, from ?? null, to ?? null];
}
