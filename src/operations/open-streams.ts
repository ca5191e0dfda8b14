import { randomInt } from 'node:crypto';
import { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { OperationsConfig } from './operations.config';
import { retryLine } from './sse-frames';
import { StreamCounts } from './stream-counts';

/** What is sent and not yet read by a client that is slow. */
const MOST_BUFFERED_BYTES = 16_384;

/** What every event stream has in common: it is counted, says when to come back, and ends quietly. */
@Injectable()
export class OpenStreams {
  private readonly logger = new Logger(OpenStreams.name);

  constructor(
    private readonly counts: StreamCounts,
    private readonly config: OperationsConfig,
  ) {}

  /** Silence before a ping, in milliseconds. */
  get idleMs(): number {
    return this.config.streamPingSeconds * 1000;
  }

  /**
   * The bytes of a new stream of this user. Throws {@link TooManyStreams} before anything is sent. Frames are made as fast
   * as the client reads; when that fails, the stream ends and the client comes back with its Last-Event-ID.
   */
  async open(userId: string, frames: AsyncIterable<string>, gone: AbortSignal): Promise<Readable> {
    const release = await this.counts.admit(userId);
    const stream = Readable.from(this.guarded(frames), { objectMode: false, highWaterMark: MOST_BUFFERED_BYTES });
    // The client may have left while it was being counted: then nobody will ever read or close the stream.
    if (gone.aborted) stream.destroy();
    return stream.once('close', release);
  }

  private async *guarded(frames: AsyncIterable<string>): AsyncGenerator<string, void> {
    // Jitter: the clients of a process that went away do not come back in the same instant.
    yield retryLine(this.config.streamRetryMs + randomInt(this.config.streamRetryMs));
    try {
      yield* frames;
    } catch (error) {
      this.logger.warn(`An event stream ends early: ${(error as Error).message}`);
    }
  }
}
