import { ApiProperty } from '@nestjs/swagger';
import type { Operation } from '../operation.entity';
import { OPERATION_STATUSES, type OperationStatus } from '../operation-transitions';

/** Where to watch an operation, read its status and cancel it. */
export class OperationLinksDto {
  @ApiProperty()
  stream: string;
  @ApiProperty()
  status: string;
  @ApiProperty({ required: false, type: String, description: 'absent once the operation has ended' })
  cancel?: string;
  @ApiProperty({ required: false, type: String, description: 'in the full record' })
  events?: string;
}

/** The answer to a request that began an operation. */
export class StartedOperationDto {
  @ApiProperty()
  operation_id: string;
  @ApiProperty()
  operation_type: string;
  @ApiProperty({ enum: OPERATION_STATUSES })
  status: OperationStatus;
  @ApiProperty({ nullable: true, type: String })
  graph_id: string | null;
  @ApiProperty()
  created_at: string;
  @ApiProperty()
  message: string;
  @ApiProperty()
  _links: OperationLinksDto;
}

/** Everything about an operation but its payload and its events. */
export class OperationDto extends StartedOperationDto {
  @ApiProperty()
  updated_at: string;
  @ApiProperty({ nullable: true, type: String })
  started_at: string | null;
  @ApiProperty({ nullable: true, type: String })
  ended_at: string | null;
  @ApiProperty({ nullable: true, type: Number })
  progress_percent: number | null;
  @ApiProperty({ nullable: true, type: Object })
  result: Record<string, unknown> | null;
  @ApiProperty({ nullable: true, type: Object })
  error: Record<string, unknown> | null;
  @ApiProperty({ description: 'how often it was started' })
  attempt: number;
  @ApiProperty({ nullable: true, type: String, description: 'the failed operation that this one does again' })
  retry_of: string | null;
}

/** An operation, and where it stands in the queue while it waits there. */
export class OperationStatusDto extends OperationDto {
  @ApiProperty({ nullable: true, type: Number, description: 'while pending: 1 is next, null otherwise' })
  queue_position: number | null;
  @ApiProperty({ nullable: true, type: Number, description: 'while pending, where enough is known to say' })
  estimated_wait_seconds: number | null;
}

/** The answer to a request to cancel. */
export class CancelledOperationDto {
  @ApiProperty()
  operation_id: string;
  @ApiProperty({ enum: OPERATION_STATUSES, description: '`running` while the work is still being stopped' })
  status: OperationStatus;
  @ApiProperty()
  message: string;
}

export function toStartedDto(operation: Operation): StartedOperationDto {
  return {
    operation_id: operation.id,
    operation_type: operation.type,
    status: operation.status,
    graph_id: operation.graphId,
    created_at: operation.createdAt.toISOString(),
    message: messageOf(operation),
    _links: linksOf(operation),
  };
}

export function toOperationDto(operation: Operation): OperationDto {
  return {
    ...toStartedDto(operation),
    updated_at: operation.updatedAt.toISOString(),
    started_at: operation.startedAt?.toISOString() ?? null,
    ended_at: operation.endedAt?.toISOString() ?? null,
    progress_percent: operation.status === 'completed' ? 100 : (operation.progress?.percent ?? null),
    // A running one may have noted its result already; it counts from the end on.
    result: operation.status === 'completed' ? operation.result : null,
    error: operation.error && { ...operation.error },
    attempt: operation.attempt,
    retry_of: operation.retryOf,
  };
}

export function toOperationStatusDto(
  operation: Operation,
  place: { position: number; estimatedWaitSeconds: number | null } | null,
): OperationStatusDto {
  return {
    ...toOperationDto(operation),
    queue_position: place?.position ?? null,
    estimated_wait_seconds: place?.estimatedWaitSeconds ?? null,
  };
}

export function toCancelledDto(operation: Operation): CancelledOperationDto {
  const { id, status } = operation;
  return { operation_id: id, status, message: status === 'running' ? 'Being cancelled' : messageOf(operation) };
}

/** What the status means for a person who waits. */
export function messageOf(operation: Operation): string {
  switch (operation.status) {
    case 'pending':
      if (operation.heldFor !== null) return `Waiting for ${operation.heldFor}`;
      return operation.attempt === 0 ? 'Waiting for a worker' : 'Waiting for another attempt';
    case 'running':
      return operation.cancelRequestedAt ? 'Being cancelled' : (operation.progress?.message ?? 'Running');
    case 'completed':
      return 'Completed';
    case 'failed':
      return operation.error?.message ?? 'Failed';
    case 'cancelled':
      return operation.cancelReason ?? 'Cancelled';
  }
}

function linksOf({ id, status }: Operation): OperationLinksDto {
  const links = { stream: `/v1/operations/${id}/stream`, status: `/v1/operations/${id}/status` };
  return status === 'pending' || status === 'running' ? { ...links, cancel: `/v1/operations/${id}` } : links;
}
