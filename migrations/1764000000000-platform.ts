import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The first schema: who people are, what they own, what is being done to it, and what was done. */
export class Platform1764000000000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    for (const statement of [...IDENTITY, ...OPERATIONS, ...GRAPHS, ...STAGING]) await q.query(statement);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      drop table staged_file, query_stat, generation, graph_member, idempotency_key, dead_letter, operation_lock,
        operation_attempt, operation_event, operation, audit_event, attempt_limit, session, api_key, org_member;
      alter table app_user drop column selected_graph_id;
      drop table graph, org, app_user`);
  }
}

const IDENTITY = [
  `create table app_user (
    id uuid primary key,
    email text not null,
    name text not null,
    password_hash text not null,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  `create unique index app_user_email on app_user (lower(email))`,
  `create table org (
    id uuid primary key,
    name text not null,
    org_type text not null check (org_type in ('personal', 'team', 'enterprise')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  `create table org_member (
    org_id uuid not null references org on delete cascade,
    user_id uuid not null references app_user on delete cascade,
    role text not null check (role in ('owner', 'admin', 'member')),
    joined_at timestamptz not null default now(),
    primary key (org_id, user_id)
  )`,
  `create index org_member_user on org_member (user_id)`,
  `create table session (
    id uuid primary key,
    user_id uuid not null references app_user on delete cascade,
    token_hash bytea not null unique,
    login_id uuid not null,
    login_at timestamptz not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz
  )`,
  `create index session_by_user on session (user_id)`,
  // Every refresh makes a further session of the same login; a logout ends them all.
  `create index session_by_login on session (login_id)`,
  // Counters of login attempts, in the shape that rate-limiter-flexible expects.
  `create table attempt_limit (
    key varchar(255) primary key,
    points integer not null default 0,
    expire bigint
  )`,
  `create table api_key (
    id uuid primary key,
    user_id uuid not null references app_user on delete cascade,
    name text not null,
    description text,
    prefix text not null,
    key_hash bytea not null unique,
    scopes text[] not null,
    graph_ids text[],
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz
  )`,
  `create index api_key_user on api_key (user_id)`,
  // No foreign keys: an audit row outlives what it speaks of.
  `create table audit_event (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor_id uuid,
    api_key_id uuid,
    org_id uuid,
    action text not null,
    target text,
    outcome text not null check (outcome in ('success', 'failure')),
    ip text,
    request_id text,
    details jsonb not null default '{}'
  )`,
  `create index audit_event_org on audit_event (org_id, id)`,
  `create index audit_event_actor on audit_event (actor_id, id)`,
];

const OPERATIONS = [
  `create table operation (
    id text primary key,
    type text not null,
    status text not null check (status in ('pending', 'running', 'completed', 'failed', 'cancelled')),
    org_id uuid,
    user_id uuid,
    graph_id text,
    payload jsonb not null,
    result jsonb,
    error jsonb,
    progress jsonb,
    attempt integer not null default 0,
    max_attempts integer not null,
    last_sequence integer not null default 0,
    worker_id text,
    lease_expires_at timestamptz,
    run_after timestamptz not null default now(),
    delivered_at timestamptz,
    cancel_requested_at timestamptz,
    cancel_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    started_at timestamptz,
    ended_at timestamptz
  )`,
  // The sweeper looks for pending work that was not handed over; the reaper for leases that ran out.
  `create index operation_pending on operation (run_after) where status = 'pending'`,
  // A new operation is told how many of its kind wait before it.
  `create index operation_waiting on operation (type) where status = 'pending'`,
  `create index operation_leased on operation (lease_expires_at) where status = 'running'`,
  `create index operation_org on operation (org_id, created_at desc, id)`,
  `create index operation_user on operation (user_id, created_at desc, id)`,
  `create index operation_graph on operation (graph_id, created_at desc, id)`,
  `create table operation_event (
    operation_id text not null references operation on delete cascade,
    sequence integer not null,
    type text not null,
    data jsonb not null,
    created_at timestamptz not null default now(),
    primary key (operation_id, sequence)
  )`,
  `create table operation_attempt (
    operation_id text not null references operation on delete cascade,
    attempt integer not null,
    worker_id text not null,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    outcome text check (outcome in ('completed', 'failed', 'cancelled', 'lost', 'retry', 'handed_back')),
    error jsonb,
    primary key (operation_id, attempt)
  )`,
  // A lock lives as long as its operation runs: rows go in the transaction that ends it.
  `create table operation_lock (
    resource text primary key,
    operation_id text not null references operation on delete cascade,
    acquired_at timestamptz not null default now()
  )`,
  `create index operation_lock_operation on operation_lock (operation_id)`,
  `create table dead_letter (
    operation_id text primary key references operation on delete cascade,
    reason text not null,
    payload jsonb not null,
    attempts jsonb not null,
    last_progress jsonb,
    created_at timestamptz not null default now()
  )`,
  `create table idempotency_key (
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
  )`,
  `create index idempotency_key_expiry on idempotency_key (expires_at)`,
];

const GRAPHS = [
  `create table graph (
    id text primary key,
    org_id uuid not null references org,
    parent_id text references graph,
    name text not null,
    description text,
    tags text[] not null default '{}',
    tier text not null,
    status text not null check (status in ('provisioning', 'active', 'failed', 'deleting', 'deleted')),
    schema jsonb not null,
    live_generation integer,
    last_generation integer not null default 0,
    stale_reason text,
    stale_since timestamptz,
    last_materialized_at timestamptz,
    materialization_count integer not null default 0,
    created_by uuid references app_user,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
  )`,
  `create index graph_org on graph (org_id, created_at)`,
  `alter table app_user add column selected_graph_id text references graph on delete set null`,
  `create table graph_member (
    graph_id text not null references graph on delete cascade,
    user_id uuid not null references app_user on delete cascade,
    role text not null check (role in ('admin', 'member', 'viewer')),
    created_at timestamptz not null default now(),
    primary key (graph_id, user_id)
  )`,
  `create index graph_member_user on graph_member (user_id)`,
  `create table generation (
    graph_id text not null references graph on delete cascade,
    number integer not null,
    status text not null check (status in ('building', 'live', 'retired', 'collected', 'abandoned')),
    operation_id text,
    attempt integer,
    manifest jsonb,
    created_at timestamptz not null default now(),
    published_at timestamptz,
    retired_at timestamptz,
    primary key (graph_id, number)
  )`,
  `create table query_stat (
    graph_id text not null references graph on delete cascade,
    hour timestamptz not null,
    queries integer not null,
    failures integer not null,
    total_ms double precision not null,
    last_query_at timestamptz not null,
    primary key (graph_id, hour)
  )`,
  `create unique index generation_live on generation (graph_id) where status = 'live'`,
];

const STAGING = [
  `create table staged_file (
    id uuid primary key,
    graph_id text not null references graph on delete cascade,
    table_name text not null,
    file_name text not null,
    format text not null check (format in ('csv', 'parquet')),
    status text not null check (status in ('pending', 'uploaded', 'staging', 'staged', 'failed')),
    size_bytes bigint not null default 0,
    -- Objects in the storage: what was uploaded, and what materializing reads.
    upload_key text,
    part_key text,
    row_count bigint,
    columns jsonb,
    error jsonb,
    operation_id text,
    materialized_generation integer,
    created_by uuid references app_user,
    created_at timestamptz not null default now(),
    uploaded_at timestamptz,
    staged_at timestamptz
  )`,
  `create index staged_file_graph on staged_file (graph_id, table_name, created_at)`,
  // What all processes must know and nobody else: made once, such as the key that signs upload links.
  `create table platform_secret (
    name text primary key,
    value text not null,
    created_at timestamptz not null default now()
  )`,
];
