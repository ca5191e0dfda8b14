import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { queryPrepared } from '../database/prepared';
import { Transactor } from '../database/transactor';
import { toJson } from './json';
import { EVENTS_CHANNEL, NEWS } from './operation-log';
import { operationColumns, operationFrom, type Row } from './operation-row';
import { Operation, type OperationAttempt } from './operation.entity';
import type { OperationStatus } from './operation-transitions';
import { QueueRates } from './queue-rates';

/** A worker process hears on this channel the ids of operations that somebody wants cancelled. */
export const CANCEL_CHANNEL = 'operation_cancel';

/** Positions in a queue are counted up to here; what is behind it is "far back". */
export const LONGEST_COUNTED_QUEUE = 1_000;
const TRIES_FOR_LOCK = 3;
/** When held operations are due: not before they are released. */
const NEVER = `timestamptz '9999-01-01 00:00:00Z'`;

export interface NewOperation {
  id: string;
  type: string;
  orgId: string | null;
  userId: string | null;
  graphId: string | null;
  payload: object;
  maxAttempts: number;
  /** See `BeginOptions.heldFor`. */
  heldFor: string | null;
}

/** Rows of operations and their locks. Statuses change in {@link OperationLog} alone. */
@Injectable()
export class OperationsRepository {
  constructor(
    private readonly tx: Transactor,
    private readonly rates: QueueRates,
  ) {}

  /**
   * Stores a pending operation and its first event, which says how many of its kind wait before it. It counts as
   * delivered from now on: the dispatcher sends it right after the commit, unless it is held.
   */
  async insert(em: EntityManager, operation: NewOperation): Promise<Operation> {
    const [row] = await queryPrepared<Row>(
      em,
      `with ahead as (
         select count(*) as n from (select 1 from operation where type = $2 and status = 'pending'
             and held_for is not distinct from $9
           limit ${LONGEST_COUNTED_QUEUE}) waiting
       ), made as (
         insert into operation (id, type, status, org_id, user_id, graph_id, payload, max_attempts, last_sequence,
           delivered_at, held_for, run_after)
         values ($1, $2, 'pending', $3, $4, $5, $6, $7, 1, case when $9::text is null then now() end, $9,
           case when $9::text is null then now() else ${NEVER} end) returning *
       ), event as (
         insert into operation_event (operation_id, sequence, type, data, created_at, org_id)
         select made.id, 1, 'queue_update', jsonb_build_object(
           'message', 'Waiting for ' || coalesce($9, 'a worker'), 'position', ahead.n + 1,
           'estimated_wait_seconds', case when $9::text is null then ceil((ahead.n + 1) / $8::float8) end), clock_timestamp(), made.org_id from made, ahead
       )
       select ${operationColumns('made')}, pg_notify('${EVENTS_CHANNEL}', ${NEWS}) as notified from made`,
      [
        operation.id,
        operation.type,
        operation.orgId,
        operation.userId,
        operation.graphId,
        toJson(operation.payload),
        operation.maxAttempts,
        this.rates.perSecond(operation.type),
        operation.heldFor,
      ],
    );
    return operationFrom(em, row);
  }

  /** Keeps workers from a pending operation until it is released. */
  async hold(em: EntityManager, operationId: string, heldFor: string): Promise<void> {
    await em.query(
      `update operation set held_for = $2, run_after = ${NEVER}, delivered_at = null, updated_at = now()
       where id = $1 and status = 'pending'`,
      [operationId, heldFor],
    );
  }

  /** Lets workers have a held operation. Null where it is not held any more. */
  async release(em: EntityManager, operationId: string): Promise<Operation | null> {
    const [row] = await em.query<Row[]>(
      `with released as (
         update operation set held_for = null, run_after = now(), delivered_at = now(), updated_at = now()
         where id = $1 and status = 'pending' and held_for is not null returning *
       ) select * from released`,
      [operationId],
    );
    return row ? operationFrom(em, row) : null;
  }

  /** What the held operation of a graph waits for, and its place among those that wait for the same; null where none is. */
  async heldPlace(graphId: string): Promise<{ operationId: string; position: number; heldFor: string } | null> {
    const [row] = await this.tx.em.query<{ operationId: string; position: number; heldFor: string }[]>(
      `select o.id as "operationId", o.held_for as "heldFor", (select count(*)::int from operation b
         where b.held_for = o.held_for and b.status = 'pending' and b.id <= o.id) as position
       from operation o where o.graph_id = $1 and o.status = 'pending' and o.held_for is not null limit 1`,
      [graphId],
    );
    return row ?? null;
  }

  /** Those that wait for the same, the first one first. */
  async heldFor(em: EntityManager, heldFor: string, limit: number): Promise<{ id: string; graphId: string | null }[]> {
    return await em.query(
      `select id, graph_id as "graphId" from operation where held_for = $1 and status = 'pending' order by id limit $2`,
      [heldFor, limit],
    );
  }

  /** Takes a resource for an operation; returns the operation that already has it, or null when it was free. */
  async lock(em: EntityManager, resource: string, operationId: string): Promise<{ id: string; type: string } | null> {
    for (let attempt = 0; attempt < TRIES_FOR_LOCK; attempt += 1) {
      // Waits for another transaction that is just taking the same lock.
      const taken = await queryPrepared<Row>(
        em,
        `with taken as (insert into operation_lock (resource, operation_id) values ($1, $2)
           on conflict do nothing returning resource) select resource from taken`,
        [resource, operationId],
      );
      if (taken.length > 0) return null;
      const [holder] = await em.query<{ id: string; type: string }[]>(
        `select o.id, o.type from operation_lock l join operation o on o.id = l.operation_id where l.resource = $1`,
        [resource],
      );
      // Nobody: it was released in between, so try again.
      if (holder) return holder;
    }
    throw new Error(`The lock ${resource} changes hands too fast`);
  }

  /** Says of a new operation which failed one it repeats. */
  async linkRetry(em: EntityManager, operationId: string, retryOf: string): Promise<Operation> {
    const [row] = await em.query<Row[]>(
      `with linked as (update operation set retry_of = $2 where id = $1 returning *) select * from linked`,
      [operationId, retryOf],
    );
    return operationFrom(em, row);
  }

  async find(operationId: string, em: EntityManager = this.tx.em): Promise<Operation | null> {
    return em.findOneBy(Operation, { id: operationId });
  }

  /** Nobody else can retry or remove it for the rest of the transaction. */
  async findLocked(em: EntityManager, operationId: string): Promise<Operation | null> {
    return em.findOne(Operation, { where: { id: operationId }, lock: { mode: 'pessimistic_write' } });
  }

  /** The number of the oldest event that is still stored; where none is, that of the next one. */
  async oldestSequence(operationId: string): Promise<number> {
    const [row] = await this.tx.em.query<{ oldest: number }[]>(
      `select coalesce((select min(sequence) from operation_event where operation_id = $1),
         (select last_sequence + 1 from operation where id = $1), 1) as oldest`,
      [operationId],
    );
    return row.oldest;
  }

  /** Every attempt at an operation, the first one first. */
  async attemptsOf(operationId: string): Promise<OperationAttempt[]> {
    return await this.tx.em.query<OperationAttempt[]>(
      `select attempt, worker_id as "workerId", started_at as "startedAt", ended_at as "endedAt", outcome, error
       from operation_attempt where operation_id = $1 order by attempt`,
      [operationId],
    );
  }

  /** The newest operation that does a failed one again; null where none does. */
  async retryOf(operationId: string, em: EntityManager = this.tx.em): Promise<string | null> {
    const [row] = await em.query<{ id: string }[]>(
      'select id from operation where retry_of = $1 order by id desc limit 1',
      [operationId],
    );
    return row?.id ?? null;
  }

  /** Whether an operation is gone, or has ended, and its log has no event after `sequence`. */
  async hasNothingAfter(operationId: string, sequence: number): Promise<boolean> {
    const open = await this.tx.em.query<object[]>(
      `select 1 from operation where id = $1 and (status in ('pending', 'running')
         or exists (select 1 from operation_event where operation_id = $1 and sequence > $2))`,
      [operationId, sequence],
    );
    return open.length === 0;
  }

  /** Asks the worker of a running operation to stop it. Null when it is not running any more. */
  async requestCancel(em: EntityManager, operationId: string, reason: string): Promise<Operation | null> {
    const [row] = await em.query<Row[]>(
      `with asked as (
         update operation set cancel_requested_at = coalesce(cancel_requested_at, now()),
           cancel_reason = coalesce(cancel_reason, $2), updated_at = now()
         where id = $1 and status = 'running' returning *
       ) select asked.*, pg_notify('${CANCEL_CHANNEL}', id) as notified from asked`,
      [operationId, reason],
    );
    return row ? operationFrom(em, row) : null;
  }

  /** Asks the workers of running operations to stop them. Those that ran, and whether they were asked for the first time. */
  async requestCancels(
    em: EntityManager,
    operationIds: string[],
    reason: string,
  ): Promise<{ id: string; orgId: string | null; first: boolean }[]> {
    return await em.query(
      `with running as (
         select id, org_id, cancel_requested_at is null as first from operation
         where id = any ($1) and status = 'running' order by id for update
       ), asked as (
         update operation o set cancel_requested_at = coalesce(cancel_requested_at, now()),
           cancel_reason = coalesce(cancel_reason, $2), updated_at = now()
         from running r where o.id = r.id returning o.id
       ) select r.id, r.org_id as "orgId", r.first, pg_notify('${CANCEL_CHANNEL}', r.id) as notified
         from running r join asked a on a.id = r.id`,
      [operationIds, reason],
    );
  }

  /** How these operations stand; what is gone is left out. */
  async statusesOf(operationIds: string[]): Promise<{ id: string; status: OperationStatus }[]> {
    return await this.tx.em.query('select id, status from operation where id = any ($1)', [operationIds]);
  }

  /**
   * Locks the operation for the rest of the transaction and renews its lease, since nobody else can meanwhile. False
   * where this attempt is not the current one.
   */
  async holdAttempt(em: EntityManager, operationId: string, attempt: number, leaseMs: number): Promise<boolean> {
    const held = await queryPrepared<Row>(
      em,
      `with held as (
         update operation set lease_expires_at = clock_timestamp() + $3 * interval '1 millisecond'
         where id = $1 and attempt = $2 and status = 'running' returning id
       ) select id from held`,
      [operationId, attempt, leaseMs],
    );
    return held.length > 0;
  }

  /** Keeps what is needed to understand and to retry an operation that could not be done. */
  async insertDeadLetter(em: EntityManager, operationId: string, reason: string): Promise<void> {
    await em.query(
      `insert into dead_letter (operation_id, reason, payload, attempts, last_progress)
       select o.id, $2, o.payload, coalesce((
         select jsonb_agg(to_jsonb(a) - 'operation_id' order by a.attempt)
         from operation_attempt a where a.operation_id = o.id), '[]'), o.progress
       from operation o where o.id = $1
       on conflict (operation_id) do nothing`,
      [operationId, reason],
    );
  }
}
