import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { ErrorBody } from '../common/problem';
import { Transactor } from '../database/transactor';
import type { AttemptError, AttemptOutcome, OperationProgress } from '../operations/operation.entity';

export const DEAD_LETTER_STATUSES = ['open', 'retried', 'discarded'] as const;
export type DeadLetterStatus = (typeof DEAD_LETTER_STATUSES)[number];

/** An operation that could not be done, and what became of it since. Its id is that of the operation. */
export interface DeadLetter {
  id: string;
  type: string;
  org_id: string | null;
  graph_id: string | null;
  user_id: string | null;
  reason: string;
  error: ErrorBody | null;
  attempt_count: number;
  created_at: Date;
  status: DeadLetterStatus;
  /** The operation that does it again. */
  retried_as: string | null;
  resolved_at: Date | null;
  resolved_by: string | null;
}

/** An attempt as it was written down with the dead letter; times are text. */
export interface DeadLetterAttempt {
  attempt: number;
  worker_id: string;
  started_at: string;
  ended_at: string | null;
  outcome: AttemptOutcome | null;
  error: AttemptError | null;
}

export interface DeadLetterWithEverything extends DeadLetter {
  payload: unknown;
  attempts: DeadLetterAttempt[];
  last_progress: OperationProgress | null;
}

export interface DeadLetterFilter {
  type?: string;
  reason?: string;
  orgId?: string;
  graphId?: string;
  status?: DeadLetterStatus;
  since?: Date;
  until?: Date;
  ids?: string[];
}

const SUMMARY = `d.operation_id as id, o.type, o.org_id, o.graph_id, o.user_id, d.reason, o.error,
  jsonb_array_length(d.attempts) as attempt_count, d.created_at, d.status, d.retried_as, d.resolved_at, d.resolved_by`;
const FROM = 'from dead_letter d join operation o on o.id = d.operation_id';

/** Rows of dead letters. They are written where operations end, see `OperationsRepository.insertDeadLetter`. */
@Injectable()
export class DeadLettersRepository {
  constructor(private readonly tx: Transactor) {}

  /** Those of the newest operations first, at most `limit`, that come after the id `cursor`. */
  async list(filter: DeadLetterFilter, limit: number, cursor?: string): Promise<DeadLetter[]> {
    const { where, values } = conditionsOf(filter, cursor);
    return await this.tx.em.query<DeadLetter[]>(
      `select ${SUMMARY} ${FROM} ${where} order by d.operation_id desc limit ${limit}`,
      values,
    );
  }

  async find(id: string): Promise<DeadLetterWithEverything | null> {
    const [row] = await this.tx.em.query<DeadLetterWithEverything[]>(
      `select ${SUMMARY}, d.payload, d.attempts, d.last_progress ${FROM} where d.operation_id = $1`,
      [id],
    );
    return row ?? null;
  }

  /** Its status, which nobody else can change for the rest of the transaction; null where there is no such letter. */
  async lock(em: EntityManager, id: string): Promise<Pick<DeadLetter, 'status' | 'retried_as'> | null> {
    const [row] = await em.query<DeadLetter[]>(
      'select status, retried_as from dead_letter where operation_id = $1 for update',
      [id],
    );
    return row ?? null;
  }

  async resolve(
    em: EntityManager,
    id: string,
    { status, retriedAs, by }: { status: DeadLetterStatus; retriedAs: string | null; by: string },
  ): Promise<void> {
    await em.query(
      `update dead_letter set status = $2, retried_as = $3, resolved_by = $4, resolved_at = now()
       where operation_id = $1`,
      [id, status, retriedAs, by],
    );
  }
}

function conditionsOf(filter: DeadLetterFilter, cursor?: string): { where: string; values: unknown[] } {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const add = (condition: (placeholder: string) => string, value: unknown): void => {
    if (value !== undefined) conditions.push(condition(`$${values.push(value)}`));
  };
  add(($) => `o.type = ${$}`, filter.type);
  add(($) => `d.reason = ${$}`, filter.reason);
  add(($) => `o.org_id = ${$}`, filter.orgId);
  add(($) => `o.graph_id = ${$}`, filter.graphId);
  add(($) => `d.status = ${$}`, filter.status);
  add(($) => `d.created_at >= ${$}`, filter.since);
  add(($) => `d.created_at < ${$}`, filter.until);
  add(($) => `d.operation_id = any(${$})`, filter.ids);
  add(($) => `d.operation_id < ${$}`, cursor);
  return { where: conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`, values };
}
