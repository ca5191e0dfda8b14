import { Injectable } from '@nestjs/common';
import { Batches } from '../database/batches';
import { ONE_ROW, queryPrepared } from '../database/prepared';
import { Transactor } from '../database/transactor';
import { toJson } from '../operations/json';
import { started } from '../operations/operation-events';
import { EVENTS_CHANNEL, NEWS } from '../operations/operation-log';
import { operationColumns, operationFrom, type Row } from '../operations/operation-row';
import type { Operation } from '../operations/operation.entity';
import { statusesBefore } from '../operations/operation-transitions';
import type { ReadyOperation } from '../operations/outbox';

/** The clocks of the queue and of the database differ a little; a retry is not turned away for that. */
const CLOCK_TOLERANCE = `interval '1 second'`;

/** Who wants to run which operation, and for how long until it says so again. */
export interface Claim {
  operationId: string;
  type: string;
  workerId: string;
  leaseMs: number;
}

/** An operation whose worker has gone silent. */
export interface ExpiredLease {
  id: string;
  type: string;
  attempt: number;
  maxAttempts: number;
  workerId: string;
  cancelReason: string | null;
  cancelRequested: boolean;
  /** Not null once its work is published, see `OperationContext.keepResult`. */
  result: object | null;
  startedAt: Date;
}

/** What a worker is told when it renews: which of its operations it still has, and which of them to stop. */
export interface Renewal {
  id: string;
  attempt: number;
  cancelRequested: boolean;
}

/** Leases, attempts and deliveries: the columns of an operation that only workers and sensors touch. */
@Injectable()
export class AttemptsRepository {
  private readonly claims = new Batches<Claim, Operation | null>((claims) => this.claimAll(claims, 'skip'));

  constructor(private readonly tx: Transactor) {}

  /**
   * Grants the right to run: pending becomes running with the next attempt's number, in one statement with its event.
   * Null when there is nothing to run: delivered twice, cancelled, ended, not due yet, or of another type.
   */
  async claim(claim: Claim): Promise<Operation | null> {
    const claimed = await this.claims.add(claim);
    // Locked by somebody just now, or not to be had: alone, one waits and finds out.
    return claimed ?? (await this.claimAll([claim], 'wait'))[0];
  }

  private async claimAll(claims: Claim[], ifLocked: 'wait' | 'skip'): Promise<(Operation | null)[]> {
    const event = started(0);
    const rows = await queryPrepared<Row>(
      this.tx.em,
      `with given as (
         select * from jsonb_to_recordset($1::jsonb)
           as given (id text, type text, worker_id text, lease_ms integer)
       ), free as materialized (
         select given.*, $2::text as event_type from given cross join lateral (
           select 1 from operation o where o.id = given.id and o.type = given.type and o.status = any($3)
             and o.run_after <= now() + ${CLOCK_TOLERANCE} limit 1 for update${ifLocked === 'skip' ? ' skip locked' : ''}
         ) locked
       ), claimed as (
         update operation o set status = 'running', attempt = o.attempt + 1, worker_id = free.worker_id,
           lease_expires_at = now() + free.lease_ms * interval '1 millisecond',
           started_at = coalesce(o.started_at, now()), last_sequence = o.last_sequence + 1, updated_at = now()
         from free where o.id = free.id and o.status = any($3) and ${ONE_ROW} returning o.*
       ), attempt as (
         insert into operation_attempt (operation_id, attempt, worker_id) select id, attempt, worker_id from claimed
       ), event as (
         insert into operation_event (operation_id, sequence, type, data, created_at, org_id)
         select id, last_sequence, $2, $4::jsonb || jsonb_build_object('attempt', attempt), clock_timestamp(), org_id
         from claimed
       )
       select ${operationColumns('claimed')}, pg_notify('${EVENTS_CHANNEL}', ${NEWS}) as notified from claimed`,
      [
        toJson(
          claims.map(({ operationId, type, workerId, leaseMs }) => ({
            id: operationId,
            type,
            worker_id: workerId,
            lease_ms: leaseMs,
          })),
        ),
        event.type,
        statusesBefore(event.type),
        toJson(event.data),
      ],
    );
    const claimed = new Map(rows.map((row) => [row.id, operationFrom(this.tx.em, row)]));
    // Delivered twice within one batch, it is claimed once.
    return claims.map(({ operationId }) => {
      const operation = claimed.get(operationId) ?? null;
      claimed.delete(operationId);
      return operation;
    });
  }

  /** Extends the leases of a worker. What it names and does not get back belongs to somebody else now. */
  async renew(workerId: string, attempts: { id: string; attempt: number }[], leaseMs: number): Promise<Renewal[]> {
    // A row that is being written at this moment, often by the worker itself, is not waited for: its turn comes again.
    // The lock asks once more who has it, since its end may have been committed after this statement began to look.
    return await this.tx.em.query<Renewal[]>(
      `with mine as (
         select o.id, o.attempt, o.cancel_requested_at is not null as "cancelRequested"
         from operation o join unnest($2::text[], $3::int[]) as held (id, attempt)
           on o.id = held.id and o.attempt = held.attempt
         where o.status = 'running' and o.worker_id = $1
       ), free as (
         select id from operation where id in (select id from mine) and status = 'running' and worker_id = $1
         for update skip locked
       ), renewed as (
         update operation set lease_expires_at = now() + $4 * interval '1 millisecond' where id in (select id from free)
       )
       select * from mine`,
      [workerId, attempts.map(({ id }) => id), attempts.map(({ attempt }) => attempt), leaseMs],
    );
  }

  /** Operations whose leases have run out; one whose row is being written just now waits for the next look. */
  async expired(limit: number): Promise<ExpiredLease[]> {
    return await this.tx.em.query<ExpiredLease[]>(
      `select id, type, attempt, max_attempts as "maxAttempts", worker_id as "workerId",
         cancel_reason as "cancelReason", cancel_requested_at is not null as "cancelRequested", result,
         started_at as "startedAt"
       from operation where status = 'running' and lease_expires_at < now() order by lease_expires_at limit $1
       for update skip locked`,
      [limit],
    );
  }

  /**
   * Takes pending operations that are due and were last delivered before `before` or never, and marks them delivered.
   * Safe for many processes at once.
   */
  async takeUndelivered(before: Date, limit: number): Promise<ReadyOperation[]> {
    return await this.tx.em.query<ReadyOperation[]>(
      `with taken as (
         update operation set delivered_at = now() where id in (
           select id from operation where status = 'pending' and run_after <= now()
             and (delivered_at is null or delivered_at < $1) order by run_after limit $2 for update skip locked
         ) returning id, type, attempt, run_after
       ) select id, type, attempt, run_after as "runAfter" from taken`,
      [before, limit],
    );
  }

  /**
   * Pending operations of types other than `known` that wait for longer than `seconds`, while no operation of their
   * type was run anywhere for as long.
   */
  async unclaimed(known: string[], seconds: number, limit: number): Promise<{ id: string; type: string }[]> {
    return await this.tx.em.query<{ id: string; type: string }[]>(
      `with waiting as (
         select id, type from operation
         where status = 'pending' and type <> all($1) and run_after < now() - make_interval(secs => $2)
       ), dead as (
         select type from (select distinct type from waiting) w
         where not exists (select from operation o where o.type = w.type and o.status = 'running')
           and not exists (select from operation o
             where o.type = w.type and o.ended_at > now() - make_interval(secs => $2) and o.started_at is not null)
           and not exists (select from operation o where o.type = w.type and o.status = 'pending' and o.attempt > 0
             and o.updated_at > now() - make_interval(secs => $2))
       )
       select id, type from waiting where type in (select type from dead) order by id limit $3`,
      [known, seconds, limit],
    );
  }

  /** An operation that waits to be run, and whose it is. */
  async waiting(operationId: string): Promise<(ReadyOperation & { orgId: string }) | undefined> {
    const [found] = await this.tx.em.query<(ReadyOperation & { orgId: string })[]>(
      `select id, type, attempt, run_after as "runAfter", org_id as "orgId" from operation
       where id = $1 and status = 'pending'`,
      [operationId],
    );
    return found;
  }

  /** The queue does not have these after all: the sweeper sends them again at its next look. */
  async markUndelivered(operationIds: string[]): Promise<void> {
    await this.tx.em.query(`update operation set delivered_at = null where id = any($1) and status = 'pending'`, [
      operationIds,
    ]);
  }

  /** The time of the database, which all deadlines are compared with. */
  async now(): Promise<Date> {
    const [{ now }] = await this.tx.em.query<{ now: Date }[]>('select now() as now');
    return now;
  }
}
