import { ApiProperty } from '@nestjs/swagger';
import type { OperationRecord } from '../operation-history';
import type { AttemptError, OperationAttempt } from '../operation.entity';
import type { QueuePlace } from '../queue-positions';
import { OperationStatusDto, toOperationStatusDto } from './operation.dto';

export class OperationAttemptDto {
  @ApiProperty()
  attempt: number;
  @ApiProperty({ description: 'which worker; its host and process are named to operators only' })
  worker: string;
  @ApiProperty()
  started_at: string;
  @ApiProperty({ nullable: true, type: String })
  ended_at: string | null;
  @ApiProperty({
    nullable: true,
    enum: ['completed', 'failed', 'cancelled', 'retry', 'lost', 'handed_back'],
    description: 'null while it runs; `lost`: its worker went silent; `handed_back`: its worker was shut down',
  })
  outcome: string | null;
  @ApiProperty({ nullable: true, type: Object })
  error: object | null;
}

export class OperationTimingsDto {
  @ApiProperty({ description: 'from the request to the first start, or until now or the end without one' })
  queued_ms: number;
  @ApiProperty({ description: 'of all attempts together' })
  running_ms: number;
  @ApiProperty({ description: 'from the request to the end, or until now' })
  total_ms: number;
}

/** Everything that is kept of an operation but its events. */
export class OperationRecordDto extends OperationStatusDto {
  @ApiProperty({ nullable: true, type: String })
  org_id: string | null;
  @ApiProperty({ nullable: true, type: String, description: 'who began it; null for the platform itself' })
  user_id: string | null;
  @ApiProperty({ description: 'what was asked for; what looks like a secret is left out' })
  payload: object;
  @ApiProperty({ type: [OperationAttemptDto] })
  attempts: OperationAttemptDto[];
  @ApiProperty({ description: 'attempts after which it fails for good' })
  max_attempts: number;
  @ApiProperty()
  timings: OperationTimingsDto;
  @ApiProperty({ nullable: true, type: String })
  cancel_requested_at: string | null;
  @ApiProperty({ nullable: true, type: String })
  cancel_reason: string | null;
  @ApiProperty({ nullable: true, type: String, description: 'the operation that does this failed one again' })
  retried_as: string | null;
  @ApiProperty({ description: 'events that it has had, the pruned ones included' })
  last_sequence: number;
}

/** `now` ends what has not ended; `forOperator` shows workers and errors with all that is known of them. */
export function toOperationRecordDto(
  { operation, attempts, retriedAs }: OperationRecord,
  place: QueuePlace | null,
  { now, forOperator }: { now: Date; forOperator: boolean },
): OperationRecordDto {
  const status = toOperationStatusDto(operation, place);
  const ended = operation.endedAt ?? now;
  return {
    ...status,
    org_id: operation.orgId,
    user_id: operation.userId,
    payload: withoutSecrets(operation.payload) as object,
    attempts: attempts.map((attempt) => toAttemptDto(attempt, forOperator)),
    max_attempts: operation.maxAttempts,
    timings: {
      queued_ms: span(operation.createdAt, operation.startedAt ?? ended),
      running_ms: attempts.reduce((sum, { startedAt, endedAt }) => sum + span(startedAt, endedAt ?? now), 0),
      total_ms: span(operation.createdAt, ended),
    },
    cancel_requested_at: operation.cancelRequestedAt?.toISOString() ?? null,
    cancel_reason: operation.cancelReason,
    retried_as: retriedAs,
    last_sequence: operation.lastSequence,
    _links: { ...status._links, events: `/v1/operations/${operation.id}/events` },
  };
}

function toAttemptDto(
  { attempt, workerId, startedAt, endedAt, outcome, error }: OperationAttempt,
  forOperator: boolean,
): OperationAttemptDto {
  return {
    attempt,
    // `<host>-<process>-<random>`: the last part tells workers apart and nothing of the machine.
    worker: forOperator ? workerId : workerId.slice(workerId.lastIndexOf('-') + 1),
    started_at: startedAt.toISOString(),
    ended_at: endedAt?.toISOString() ?? null,
    outcome,
    error: error && (forOperator ? error : shownOf(error)),
  };
}

function shownOf({ code, message, reference }: AttemptError): object {
  return { code, message, ...(reference !== undefined && { reference }) };
}

/** The clocks of database and process differ a little; nothing takes less than no time. */
function span(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime());
}

const SECRET = /secret|password|passphrase|token|credential|authorization|api_?key|private_?key|access_?key/i;

/** Payloads hold ids and options. A type that was given more than that all the same does not show it here. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, SECRET.test(name) ? '(hidden)' : withoutSecrets(member)]),
  );
}
