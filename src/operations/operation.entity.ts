import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ErrorBody } from '../common/problem';
import type { OperationEventType, OperationStatus } from './operation-transitions';

/** What a running operation last said of itself. */
export interface OperationProgress {
  percent: number | null;
  message: string | null;
  [detail: string]: unknown;
}

/** A durable unit of long work. Written through {@link OperationLog} only, so that status and event stay one. */
@Entity('operation')
export class Operation {
  @PrimaryColumn('text')
  readonly id: string;

  @Column('text')
  readonly type: string;

  @Column('text')
  readonly status: OperationStatus;

  @Column('uuid', { name: 'org_id', nullable: true })
  readonly orgId: string | null;

  @Column('uuid', { name: 'user_id', nullable: true })
  readonly userId: string | null;

  @Column('text', { name: 'graph_id', nullable: true })
  readonly graphId: string | null;

  @Column('jsonb')
  readonly payload: object;

  @Column('jsonb', { nullable: true })
  readonly result: Record<string, unknown> | null;

  @Column('jsonb', { nullable: true })
  readonly error: ErrorBody | null;

  @Column('jsonb', { nullable: true })
  readonly progress: OperationProgress | null;

  /** How often the right to run was granted: the fencing token of every write of a worker. */
  @Column('integer')
  readonly attempt: number;

  /** Attempts after which it becomes a dead letter; a run handed back at shutdown raises it by one. */
  @Column('integer', { name: 'max_attempts' })
  readonly maxAttempts: number;

  @Column('integer', { name: 'last_sequence' })
  readonly lastSequence: number;

  @Column('text', { name: 'worker_id', nullable: true })
  readonly workerId: string | null;

  @Column('timestamptz', { name: 'lease_expires_at', nullable: true })
  readonly leaseExpiresAt: Date | null;

  /** Not to be started before; later than now while a retry waits. */
  @Column('timestamptz', { name: 'run_after' })
  readonly runAfter: Date;

  /** What it waits for before any worker may have it; null for most, and once it has that. */
  @Column('text', { name: 'held_for', nullable: true })
  readonly heldFor: string | null;

  /** When the queue was last told of it; null asks the sweeper to tell it again at once. */
  @Column('timestamptz', { name: 'delivered_at', nullable: true })
  readonly deliveredAt: Date | null;

  @Column('timestamptz', { name: 'cancel_requested_at', nullable: true })
  readonly cancelRequestedAt: Date | null;

  @Column('text', { name: 'cancel_reason', nullable: true })
  readonly cancelReason: string | null;

  /** The operation that failed before and is tried again with this one. */
  @Column('text', { name: 'retry_of', nullable: true })
  readonly retryOf: string | null;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  readonly updatedAt: Date;

  @Column('timestamptz', { name: 'started_at', nullable: true })
  readonly startedAt: Date | null;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  readonly endedAt: Date | null;
}

/** One line of an operation's append-only log; sequences start at 1 and have no gap. */
@Entity('operation_event')
export class OperationEvent {
  @PrimaryColumn('text', { name: 'operation_id' })
  readonly operationId: string;

  @PrimaryColumn('integer')
  readonly sequence: number;

  @Column('text')
  readonly type: OperationEventType;

  @Column('jsonb')
  readonly data: Record<string, unknown>;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;
}

/** How one attempt ended. `lost`: its lease ran out; `handed_back`: its worker shut down, which does not count. */
export type AttemptOutcome = 'completed' | 'failed' | 'cancelled' | 'lost' | 'retry' | 'handed_back';

/** What an attempt failed with. Code and message are for everybody, the rest is for operators. */
export interface AttemptError {
  /** The class of what was thrown. */
  readonly class?: string;
  readonly code: string;
  readonly message: string;
  /** Its own words, where those are not for users. */
  readonly internal_message?: string;
  /** Stands in the line of the log that has the stack. */
  readonly reference?: string;
}

/** One grant of the right to run, as its row says. */
export interface OperationAttempt {
  readonly attempt: number;
  readonly workerId: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly outcome: AttemptOutcome | null;
  readonly error: AttemptError | null;
}
