import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What graphs may still spend this month, and every change of it. */
export class Credits1765000270000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table credit_pool (
      graph_id text primary key references graph on delete cascade,
      balance numeric(14, 2) not null check (balance >= 0),
      -- Of the month below.
      monthly_allocation numeric(14, 2) not null,
      -- First day of the last month that credits were allocated for.
      month date not null,
      -- The lowest share of the allocation, in percent, that the balance was found below this month.
      alerted_percent smallint
    )`);
    await q.query('create index credit_pool_month on credit_pool (month)');
    await q.query(`create table credit_transaction (
      id uuid primary key,
      graph_id text not null references credit_pool on delete cascade,
      type text not null check (type in ('allocation', 'consumption', 'bonus', 'refund', 'expiration')),
      amount numeric(14, 2) not null,
      balance_after numeric(14, 2) not null,
      description text not null,
      operation_type text,
      operation_id text,
      user_id uuid,
      request_id text,
      idempotency_key text not null,
      metadata jsonb not null,
      created_at timestamptz not null,
      -- In the order in which they changed the balance.
      position bigint generated always as identity,
      constraint credit_transaction_once unique (graph_id, idempotency_key)
    )`);
    await q.query('create index credit_transaction_graph on credit_transaction (graph_id, position desc)');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table credit_transaction');
    await q.query('drop table credit_pool');
  }
}
