import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was paid and is to be given back; payment methods are asked of the provider that has them. */
export class Refunds1765000290000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query('alter table subscription add column refund_due_at timestamptz, add column refunded_at timestamptz');
    await q.query(`create index subscription_refund_due on subscription (refund_due_at, id)
      where refund_due_at is not null and refunded_at is null`);
    await q.query('alter table billing_customer drop column payment_methods');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query("alter table billing_customer add column payment_methods jsonb not null default '[]'");
    await q.query('drop index subscription_refund_due');
    await q.query('alter table subscription drop column refund_due_at, drop column refunded_at');
  }
}
