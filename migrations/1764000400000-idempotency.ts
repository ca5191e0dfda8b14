import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Idempotency keys for every creating request. A row is taken by one sending (`claim`) for a short time, marked in the
 * transaction of what the request does (`carried_out_at`), and keeps the sealed answer. Neither the key nor what was
 * asked or answered can be read from it. Keys live for a day, so the rows of the table before are not worth moving.
 */
export class Idempotency1764000400000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`drop table idempotency_key`);
    // operation_id refers to nothing: a row outlives its operation where that is pruned early, and says so then.
    await q.query(`create table idempotency_key (
      user_id uuid not null references app_user on delete cascade,
      route text not null,
      key_hash bytea not null,
      request_hash bytea not null,
      claim uuid not null,
      lease_expires_at timestamptz not null,
      carried_out_at timestamptz,
      operation_id text,
      answer bytea,
      expires_at timestamptz not null,
      primary key (user_id, route, key_hash)
    )`);
    await q.query(`create index idempotency_key_expiry on idempotency_key (expires_at)`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`drop table idempotency_key`);
    await q.query(`create table idempotency_key (
      user_id uuid not null references app_user on delete cascade,
      route text not null,
      key text not null,
      request_hash bytea not null,
      operation_id text references operation on delete set null,
      response_status integer,
      response_body jsonb,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      primary key (user_id, route, key)
    )`);
    await q.query(`create index idempotency_key_expiry on idempotency_key (expires_at)`);
  }
}
