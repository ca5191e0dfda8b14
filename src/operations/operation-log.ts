import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { ErrorBody } from '../common/problem';
import { queryPrepared } from '../database/prepared';
import { Transactor } from '../database/transactor';
import { EndedAttempts } from './ended-attempts';
import { toJson } from './json';
import type { NewEvent } from './operation-events';
import {
  type AttemptError,
  type AttemptOutcome,
  Operation,
  OperationEvent,
  type OperationProgress,
} from './operation.entity';
import { isTerminal, type OperationStatus, statusAfter, statusesBefore } from './operation-transitions';
import { operationColumns, operationFrom, type Row } from './operation-row';
import { Parameters } from './parameters';

/** `<operation id>:<sequence>:<org id, or nothing>` of every event, sent with its commit. */
export const EVENTS_CHANNEL = 'operation_events';

/** The payload of {@link EVENTS_CHANNEL} for the row of an operation whose `last_sequence` is the new event's. */
export const NEWS = `id || ':' || last_sequence || ':' || coalesce(org_id::text, '')`;

/** One event, the status that it implies, and the conditions under which both may be written. */
export interface OperationChange {
  readonly operationId: string;
  readonly event: NewEvent;
  /** The attempt that writes; refused if it is not the current one. */
  readonly attempt?: number;
  /** Narrows the statuses that the transition table allows. */
  readonly from?: OperationStatus;
  readonly onlyIf?: 'lease_expired' | 'no_cancel_requested';
  readonly set?: {
    readonly result?: object;
    readonly error?: ErrorBody;
    readonly progress?: OperationProgress;
    readonly cancelReason?: string;
    /** Milliseconds from now until the next attempt; its delivery is planned for then. */
    readonly runAfterMs?: number;
    /** The attempt that ends here does not count. */
    readonly grantsAttempt?: boolean;
  };
  readonly endsAttempt?: { readonly outcome: AttemptOutcome; readonly error?: AttemptError };
}

/** The same change of many operations that do not run: there is no attempt that it could name or end. */
export type BulkChange = Pick<OperationChange, 'event' | 'from' | 'set'> & { readonly operationIds: string[] };

/**
 * The writer of statuses and events, with `EventBatches` and claims beside it. Each write is one statement, so an event and its status, the end of an
 * attempt and the release of a lock are there together or not at all, and sequences have no gap: the row of the
 * operation is locked while its next number is taken.
 */
@Injectable()
export class OperationLog {
  private readonly logger = new Logger(OperationLog.name);
  /** Writes of workers that came too late and were refused, since the start of this process. */
  refusedWrites = 0;
  /** Attempts that this process has ended since its start. */
  readonly endedAttempts = new EndedAttempts();

  constructor(private readonly tx: Transactor) {}

  /** Returns the changed operation, or null where the change was refused and nothing was written. */
  async write(change: OperationChange, em: EntityManager = this.tx.em): Promise<Operation | null> {
    const { sql, parameters } = statementFor(change, ($) => `id = ${$.add(change.operationId)}`);
    const [row] = await queryPrepared<Row>(em, sql, parameters);
    if (row) {
      const changed = operationFrom(em, row);
      if (change.endsAttempt) this.endedAttempts.add(changed.type, change.endsAttempt.outcome);
      return changed;
    }
    if (change.attempt !== undefined && change.onlyIf === undefined) {
      this.refusedWrites += 1;
      this.logger.warn(`${change.operationId}: refused ${change.event.type} of attempt ${change.attempt}`);
    }
    return null;
  }

  /** Returns those that were changed. The change of each of the others was refused, and nothing was written of it. */
  async writeAll(change: BulkChange, em: EntityManager): Promise<Operation[]> {
    // Locked in one order, so that two who change the same operations wait for each other instead of getting stuck.
    const { sql, parameters } = statementFor(
      change,
      ($) => `id in (select id from operation where id = any (${$.add(change.operationIds)}) order by id for update)`,
    );
    return (await em.query<Row[]>(sql, parameters)).map((row) => operationFrom(em, row));
  }

  /** Events after `cursor`, in order, at most `limit`. */
  async read(operationId: string, cursor: number, limit: number): Promise<OperationEvent[]> {
    return this.tx.em
      .createQueryBuilder(OperationEvent, 'event')
      .where('event.operation_id = :operationId and event.sequence > :cursor', { operationId, cursor })
      .orderBy('event.sequence')
      .limit(limit)
      .getMany();
  }
}

function statementFor(
  change: Omit<OperationChange, 'operationId'>,
  which: ($: Parameters) => string,
): { sql: string; parameters: unknown[] } {
  const { event, set = {} } = change;
  const to = statusAfter(event.type);
  const from = change.from === undefined ? statusesBefore(event.type) : [change.from];
  const $ = new Parameters();

  const assignments = [`status = ${$.add(to)}`, 'last_sequence = last_sequence + 1', 'updated_at = now()'];
  if (to !== 'running') assignments.push('worker_id = null', 'lease_expires_at = null');
  if (isTerminal(to)) assignments.push('ended_at = now()');
  if (set.result) assignments.push(`result = ${$.add(toJson(set.result))}`);
  if (set.error) assignments.push(`error = ${$.add(toJson(set.error))}`);
  if (set.progress) assignments.push(`progress = ${$.add(toJson(set.progress))}`);
  if (set.cancelReason) assignments.push(`cancel_reason = ${$.add(set.cancelReason)}`);
  if (set.grantsAttempt) assignments.push('max_attempts = max_attempts + 1');
  if (set.runAfterMs !== undefined) {
    const due = `now() + ${$.add(set.runAfterMs)} * interval '1 millisecond'`;
    assignments.push(`run_after = ${due}`, `delivered_at = ${due}`);
  }

  const conditions = [which($), `status = any(${$.add(from)})`];
  if (change.attempt !== undefined) conditions.push(`attempt = ${$.add(change.attempt)}`);
  // What has published its work is done, whatever comes between that and its end.
  if (change.attempt !== undefined && (to === 'cancelled' || to === 'failed')) conditions.push('result is null');
  if (change.onlyIf === 'lease_expired') conditions.push('lease_expires_at < now()');
  if (change.onlyIf === 'no_cancel_requested') conditions.push('cancel_requested_at is null');

  const parts = [
    `changed as (update operation set ${assignments.join(', ')} where ${conditions.join(' and ')} returning *)`,
    `event as (insert into operation_event (operation_id, sequence, type, data, created_at, org_id)
       select id, last_sequence, ${$.add(event.type)}, ${$.add(toJson(event.data))}::jsonb, clock_timestamp(), org_id
       from changed)`,
  ];
  if (change.endsAttempt) {
    const { outcome, error } = change.endsAttempt;
    parts.push(`attempt as (update operation_attempt a
       set ended_at = now(), outcome = ${$.add(outcome)}, error = ${$.add(error ? toJson(error) : null)}::jsonb
       from changed where a.operation_id = changed.id and a.attempt = changed.attempt)`);
  }
  if (isTerminal(to)) {
    parts.push('released as (delete from operation_lock l using changed where l.operation_id = changed.id)');
  }
  return {
    sql: `with ${parts.join(', ')}
      select ${operationColumns('changed')}, pg_notify('${EVENTS_CHANNEL}', ${NEWS}) as notified from changed`,
    parameters: $.values,
  };
}
