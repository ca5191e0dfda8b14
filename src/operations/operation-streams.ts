import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { toOperationDto } from './dto/operation.dto';
import { EventFeed } from './event-feed';
import { Passing } from './event-watcher';
import { OpenStreams } from './open-streams';
import type { Operation } from './operation.entity';
import { endsOperation, isTerminal, statusAfter } from './operation-transitions';
import { OperationsRepository } from './operations.repository';
import { OperationsService } from './operations.service';
import { QueuePositions } from './queue-positions';
import { frameOf, passingFrame, PING } from './sse-frames';

/** Where a client wants to start: after the last event that it has seen, or at a sequence. */
export interface StreamStart {
  lastEventId?: string;
  fromSequence?: number;
}

interface StartPoint {
  /** The last sequence that is not sent. */
  cursor: number;
  /** The client asked for what is not in the log: it gets the current state and what is there. */
  resync: boolean;
}

/** Event streams of operations as server-sent events: exact resume, an end frame, bounded memory for slow readers. */
@Injectable()
export class OperationStreams {
  constructor(
    private readonly operations: OperationsService,
    private readonly repository: OperationsRepository,
    private readonly feed: EventFeed,
    private readonly streams: OpenStreams,
    private readonly queue: QueuePositions,
  ) {}

  /**
   * The bytes of one stream, until the operation ends or `gone` says that the client is. Null when the client has seen
   * everything and nothing more will come. Throws {@link TooManyStreams}, or that there is no such operation.
   */
  async open(userId: string, operationId: string, start: StreamStart, gone: AbortSignal): Promise<Readable | null> {
    const operation = await this.operations.get(operationId);
    const oldest = await this.repository.oldestSequence(operationId);
    const point = startPoint(start, operation.lastSequence, oldest);
    const seenAll = start.lastEventId !== undefined && !point.resync && point.cursor === operation.lastSequence;
    if (seenAll && isTerminal(operation.status)) return null;
    return this.streams.open(userId, this.frames(operation, point, gone), gone);
  }

  private async *frames(
    operation: Operation,
    { cursor, resync }: StartPoint,
    gone: AbortSignal,
  ): AsyncGenerator<string, void> {
    const { id, lastSequence } = operation;
    yield passingFrame('connected', { operation_id: id, connection_id: randomUUID(), from_sequence: cursor + 1 });
    if (resync) yield resyncFrame(operation, cursor);
    if (isTerminal(operation.status) && cursor >= lastSequence) {
      yield streamEnd(id, operation.status);
      return;
    }
    const queue = this.queue.follower(id);
    let seen = cursor;
    let sound = !isTerminal(operation.status);
    try {
      queue.status(operation.status);
      for await (const news of this.feed.events(id, cursor, { signal: gone, idleMs: this.streams.idleMs })) {
        if (news === 'idle') {
          yield PING;
        } else if (news === 'caught_up') {
          // Its last event ends a stream. An operation that has ended, with a log that does not say so, was pruned.
          if (!sound && (await this.repository.hasNothingAfter(id, seen))) {
            yield prunedEnd(operation);
            return;
          }
          sound = false;
        } else if (news instanceof Passing) {
          if (queue.following) yield news.frame;
        } else {
          seen = news.sequence;
          queue.status(statusAfter(news.type));
          yield frameOf(news);
          if (!endsOperation(news.type)) continue;
          yield streamEnd(id, statusAfter(news.type));
          return;
        }
      }
    } finally {
      queue.stop();
    }
  }
}

function resyncFrame(operation: Operation, cursor: number): string {
  return passingFrame('resync', {
    ...toOperationDto(operation),
    last_sequence: operation.lastSequence,
    from_sequence: cursor + 1,
  });
}

function streamEnd(operationId: string, status: string): string {
  return passingFrame('stream_end', {
    operation_id: operationId,
    status,
    message: `The operation has ended: ${status}`,
  });
}

/** What is known of an operation whose history went away under the stream. */
function prunedEnd(operation: Operation): string {
  const { id, status } = operation;
  return (
    resyncFrame(operation, operation.lastSequence) +
    passingFrame('stream_end', {
      operation_id: id,
      status: isTerminal(status) ? status : 'unknown',
      message: 'The operation has ended, and its history was removed meanwhile',
    })
  );
}

/** `first` and `last` are the sequences that the log has; where it has none, `first` is the one after `last`. */
function startPoint({ lastEventId, fromSequence }: StreamStart, last: number, first: number): StartPoint {
  const cursor = lastEventId === undefined ? Math.max(fromSequence ?? 0, 1) - 1 : sequenceIn(lastEventId);
  if (cursor === null || cursor > last) return { cursor: last, resync: true };
  // Pruned from the beginning: asking for the beginning is fine, asking for a lost middle is not.
  if (cursor > 0 && cursor < first - 1) return { cursor: first - 1, resync: true };
  return { cursor, resync: false };
}

function sequenceIn(lastEventId: string): number | null {
  return /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : null;
}
