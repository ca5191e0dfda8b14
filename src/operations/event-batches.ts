import { Injectable, Logger } from '@nestjs/common';
import { Batches } from '../database/batches';
import { isConnectionError } from '../common/lost-connection';
import { ONE_ROW, queryPrepared } from '../database/prepared';
import { Transactor } from '../database/transactor';
import { toJson } from './json';
import type { NewEvent } from './operation-events';
import { EVENTS_CHANNEL, NEWS, OperationLog } from './operation-log';
import type { OperationProgress } from './operation.entity';
import {
  endsOperation,
  isTerminal,
  type OperationEventType,
  statusAfter,
  statusesBefore,
} from './operation-transitions';

/** What an attempt says while nothing is wrong: that it goes on, or that it is completed. */
export interface AttemptNews {
  readonly operationId: string;
  readonly attempt: number;
  readonly event: NewEvent;
  readonly set: { readonly progress: OperationProgress } | { readonly result: object };
}

/**
 * Writes the news of many attempts with one statement and one commit. Of each of them it does exactly what
 * `OperationLog.write` does, but for rows that somebody has locked just now: it does not wait, so that no operation is
 * held up by another.
 */
@Injectable()
export class EventBatches {
  private readonly logger = new Logger(EventBatches.name);
  private readonly byType = new Map<OperationEventType, Batches<AttemptNews, string | null>>();

  constructor(
    private readonly tx: Transactor,
    private readonly log: OperationLog,
  ) {}

  /** Whether it was written: false where this attempt is not the current one. */
  async write(news: AttemptNews): Promise<boolean> {
    const { type } = news.event;
    const operationType = await this.batchesOf(type).add(news);
    if (operationType === null) {
      const endsAttempt = endsOperation(type) ? ({ outcome: 'completed' } as const) : undefined;
      return (await this.log.write({ ...news, endsAttempt })) !== null;
    }
    if (endsOperation(type)) this.log.endedAttempts.add(operationType, 'completed');
    return true;
  }

  private batchesOf(type: OperationEventType): Batches<AttemptNews, string | null> {
    let batches = this.byType.get(type);
    if (!batches) this.byType.set(type, (batches = new Batches((items) => this.send(type, items))));
    return batches;
  }

  /** The type of each operation that was changed; null where nothing was written, for whatever reason. */
  private async send(type: OperationEventType, items: AttemptNews[]): Promise<(string | null)[]> {
    const given = items.map(({ operationId, attempt, event, set }) => ({
      id: operationId,
      attempt,
      data: event.data,
      ...set,
    }));
    try {
      const changed = await queryPrepared<{ id: string; attempt: number; type: string }>(
        this.tx.em,
        statementFor(type),
        [toJson(given), type, statusesBefore(type)],
      );
      const types = new Map(changed.map((row) => [`${row.id}.${row.attempt}`, row.type]));
      return items.map(({ operationId, attempt }) => types.get(`${operationId}.${attempt}`) ?? null);
    } catch (error) {
      if (isConnectionError(error)) throw error;
      // One of them cannot be stored; alone, the others can.
      this.logger.warn(`${items.length} events of type ${type} were not stored together: ${(error as Error).message}`);
      return items.map(() => null);
    }
  }
}

function statementFor(type: OperationEventType): string {
  const to = statusAfter(type);
  const ending = isTerminal(to);
  const assignments = [
    `status = '${to}'`,
    'last_sequence = o.last_sequence + 1',
    'updated_at = now()',
    'progress = coalesce(free.progress, o.progress)',
    'result = coalesce(free.result, o.result)',
    ...(ending ? ['worker_id = null', 'lease_expires_at = null', 'ended_at = now()'] : []),
  ];
  const parts = [
    `given as (select * from jsonb_to_recordset($1::jsonb)
       as given (id text, attempt integer, data jsonb, progress jsonb, result jsonb))`,
    // Row by row and by key: what is planned once must be good for a small table and for a large one.
    `free as materialized (
       select given.*, $2::text as event_type from given cross join lateral (
         select 1 from operation o where o.id = given.id and o.attempt = given.attempt and o.status = any($3)
         limit 1 for update skip locked) locked)`,
    `changed as (update operation o set ${assignments.join(', ')} from free
       where o.id = free.id and o.attempt = free.attempt and o.status = any($3) and ${ONE_ROW}
       returning o.id, o.attempt, o.type, o.org_id, o.last_sequence, free.data)`,
    `event as (insert into operation_event (operation_id, sequence, type, data, created_at, org_id)
       select id, last_sequence, $2, data, clock_timestamp(), org_id from changed)`,
    ...(ending
      ? [
          `attempt as (update operation_attempt a set ended_at = now(), outcome = '${to}' from changed
             where a.operation_id = changed.id and a.attempt = changed.attempt)`,
          'released as (delete from operation_lock l using changed where l.operation_id = changed.id)',
        ]
      : []),
  ];
  return `with ${parts.join(', ')}
    select id, attempt, type, pg_notify('${EVENTS_CHANNEL}', ${NEWS}) as notified from changed`;
}
