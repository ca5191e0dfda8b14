import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who pays, for what, and what they owe and paid. */
export class Billing1765000250000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`create table billing_customer (
      org_id uuid primary key references org,
      provider text not null,
      -- The customer's id at the provider.
      provider_customer_id text unique,
      payment_methods jsonb not null default '[]',
      created_at timestamptz not null,
      updated_at timestamptz not null
    )`);
    await q.query(`create table subscription (
      id uuid primary key,
      org_id uuid not null references org,
      resource_type text not null check (resource_type in ('graph', 'repository')),
      -- Null until it is provisioned.
      resource_id text,
      plan_name text not null,
      status text not null check (status in
        ('pending_payment', 'provisioning', 'active', 'upgrading', 'past_due', 'unpaid', 'paused', 'canceled', 'failed')),
      base_price_cents integer not null check (base_price_cents >= 0),
      currency text not null,
      billing_interval text not null,
      current_period_start timestamptz,
      current_period_end timestamptz,
      started_at timestamptz,
      provider text not null,
      provider_subscription_id text unique,
      session_id text unique,
      -- The operation that makes what was paid for, and since when it does.
      provisioning_operation_id text,
      claimed_at timestamptz,
      last_provisioning_error jsonb,
      canceled_at timestamptz,
      ends_at timestamptz,
      -- What to make.
      metadata jsonb not null default '{}',
      created_by uuid,
      created_at timestamptz not null,
      updated_at timestamptz not null
    )`);
    await q.query('create index subscription_of_org on subscription (org_id, created_at desc, id)');
    await q.query('create index subscription_by_status on subscription (status, updated_at)');
    await q.query(`create unique index subscription_live on subscription (resource_type, resource_id, org_id)
      where resource_id is not null and status not in ('canceled', 'failed')`);
    await q.query('create sequence invoice_number');
    await q.query(`create table invoice (
      id uuid primary key,
      org_id uuid not null references org,
      subscription_id uuid references subscription,
      number text,
      status text not null check (status in ('draft', 'open', 'paid', 'void', 'uncollectible')),
      amount_due integer not null,
      amount_paid integer not null,
      currency text not null,
      line_items jsonb not null,
      period_start timestamptz,
      period_end timestamptz,
      due_date timestamptz,
      paid_at timestamptz,
      provider text not null,
      provider_invoice_id text unique,
      hosted_invoice_url text,
      invoice_pdf text,
      created_at timestamptz not null
    )`);
    await q.query('create index invoice_of_org on invoice (org_id, created_at desc, id)');
    // One invoice for each period of a subscription, however many processes find that it is due.
    await q.query(`create unique index invoice_of_period on invoice (subscription_id, period_start)
      where provider = 'manual' and status <> 'void'`);
    await q.query(`create table billing_event (
      provider text not null,
      event_id text not null,
      type text not null,
      -- What it did, in a word.
      effect text not null,
      received_at timestamptz not null,
      primary key (provider, event_id)
    )`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table billing_event, invoice, subscription, billing_customer');
    await q.query('drop sequence invoice_number');
  }
}
