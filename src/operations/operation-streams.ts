import { randomInt, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { toOperationDto } from './dto/operation.dto';
import { EventFeed } from './event-feed';
import type { Operation } from './operation.entity';
import { endsOperation, isTerminal, statusAfter } from './operation-transitions';
import { OperationsConfig } from './operations.config';
import { TooManyStreams } from './operations.errors';
import { OperationsRepository } from './operations.repository';
import { OperationsService } from './operations.service';
import { frameOf, passingFrame, PING, retryLine } from './sse-frames';

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
  private readonly openByUser = new Map<string, number>();

  constructor(
    private readonly operations: OperationsService,
    private readonly repository: OperationsRepository,
    private readonly feed: EventFeed,
    private readonly config: OperationsConfig,
  ) {}

  /** Streams that are open on this process. */
  get openCount(): number {
    return [...this.openByUser.values()].reduce((sum, open) => sum + open, 0);
  }

  /**
   * The bytes of one stream, until the operation ends or `signal` says that the client is gone. Null when the client
   * has seen everything and nothing more will come. Throws {@link TooManyStreams}, or that there is no such operation.
   */
  async open(userId: string, operationId: string, start: StreamStart, signal: AbortSignal): Promise<Readable | null> {
    const operation = await this.operations.get(operationId);
    const point = startPoint(start, operation.lastSequence, await this.repository.firstSequence(operationId));
    const seenAll = start.lastEventId !== undefined && !point.resync && point.cursor === operation.lastSequence;
    if (seenAll && isTerminal(operation.status)) return null;

    const release = this.admit(userId);
    const stream = Readable.from(this.frames(operation, point, signal), { objectMode: false, highWaterMark: 16_384 });
    return stream.once('close', release);
  }

  private async *frames(
    operation: Operation,
    { cursor, resync }: StartPoint,
    signal: AbortSignal,
  ): AsyncGenerator<string, void> {
    const { id, lastSequence } = operation;
    const { streamRetryMs, streamPingSeconds } = this.config;
    // Jitter: the clients of a process that went away do not come back in the same instant.
    yield (
      retryLine(streamRetryMs + randomInt(streamRetryMs)) +
      passingFrame('connected', { operation_id: id, connection_id: randomUUID(), from_sequence: cursor + 1 })
    );
    if (resync) {
      yield passingFrame('resync', {
        ...toOperationDto(operation),
        last_sequence: lastSequence,
        from_sequence: cursor + 1,
      });
      if (isTerminal(operation.status) && cursor >= lastSequence) {
        yield streamEnd(id, operation.status);
        return;
      }
    }
    for await (const news of this.feed.events(id, cursor, { signal, idleMs: streamPingSeconds * 1000 })) {
      if (news === 'idle') {
        yield PING;
        continue;
      }
      yield frameOf(news);
      if (endsOperation(news.type)) {
        yield streamEnd(id, statusAfter(news.type));
        return;
      }
    }
  }

  /** Counts a stream of this user; the returned function counts it off again, once. */
  private admit(userId: string): () => void {
    const open = this.openByUser.get(userId) ?? 0;
    if (open >= this.config.maxStreamsPerUser) throw new TooManyStreams(open);
    this.openByUser.set(userId, open + 1);
    return () => {
      const left = (this.openByUser.get(userId) ?? 1) - 1;
      if (left > 0) this.openByUser.set(userId, left);
      else this.openByUser.delete(userId);
    };
  }
}

function streamEnd(operationId: string, status: string): string {
  return passingFrame('stream_end', {
    operation_id: operationId,
    status,
    message: `The operation has ended: ${status}`,
  });
}

/** `first` and `last` are the sequences that the log has. */
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
