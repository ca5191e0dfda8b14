import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Observable, Subject, Subscription } from 'rxjs';
import { Notifications } from '../database/notifications';
import { EventWatcher, type FeedNews } from './event-watcher';
import { EVENTS_CHANNEL, OperationLog } from './operation-log';
import type { OperationEvent } from './operation.entity';

/** One watched operation: everybody who watches it shares the subject, and so each read of the log. */
interface Channel {
  readonly news: Subject<FeedNews>;
  watchers: number;
  /** The newest sequence that was heard of, and the newest that was read. */
  heard: number;
  read: number;
  reading: boolean;
}

const PAGE = 500;

/**
 * The live side of the event log, one in a process: hears of every commit through the process' LISTEN connection, reads
 * each watched event once and gives it to all who watch.
 */
@Injectable()
export class EventFeed implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(EventFeed.name);
  private readonly channels = new Map<string, Channel>();
  private readonly subscriptions = new Subscription();
  private readonly stopping = new AbortController();

  constructor(
    private readonly notifications: Notifications,
    private readonly log: OperationLog,
  ) {}

  async onModuleInit(): Promise<void> {
    const heard = await this.notifications.listen(EVENTS_CHANNEL);
    this.subscriptions.add(heard.subscribe((payload) => this.hear(payload)));
    this.subscriptions.add(this.notifications.reconnected.subscribe(() => this.rereadAll()));
  }

  /** Ends every stream at once: clients connect again, elsewhere, and go on where they were. */
  onModuleDestroy(): void {
    this.subscriptions.unsubscribe();
    this.stopping.abort();
  }

  /**
   * All events after `cursor`, those in the log and those to come, each once and in order, until `signal` or the
   * shutdown of the process. With `idleMs`, says `idle` after each such silence.
   */
  events(
    operationId: string,
    cursor: number,
    { signal, idleMs }: { signal: AbortSignal; idleMs?: number },
  ): AsyncGenerator<OperationEvent | 'idle'> {
    const stop = AbortSignal.any([signal, this.stopping.signal]);
    return new EventWatcher(this.watch(operationId), this.log, operationId, cursor).events(stop, idleMs);
  }

  private watch(operationId: string): Observable<FeedNews> {
    return new Observable((watcher) => {
      const channel = this.channels.get(operationId) ?? {
        news: new Subject<FeedNews>(),
        watchers: 0,
        heard: 0,
        read: 0,
        reading: false,
      };
      this.channels.set(operationId, channel);
      channel.watchers += 1;
      const subscription = channel.news.subscribe(watcher);
      return () => {
        subscription.unsubscribe();
        channel.watchers -= 1;
        if (channel.watchers === 0) this.channels.delete(operationId);
      };
    });
  }

  private hear(payload: string): void {
    const [operationId, sequence] = payload.split(':');
    const channel = this.channels.get(operationId);
    if (!channel) return;
    channel.heard = Math.max(channel.heard, Number(sequence));
    // The first news of a channel: earlier events are the watchers' own replay.
    if (channel.read === 0) channel.read = channel.heard - 1;
    if (!channel.reading) void this.read(operationId, channel);
  }

  private async read(operationId: string, channel: Channel): Promise<void> {
    channel.reading = true;
    try {
      while (channel.read < channel.heard) {
        const events = await this.log.read(operationId, channel.read, PAGE);
        // Nothing: pruned meanwhile. What was heard of is not there to be read.
        channel.read = events.at(-1)?.sequence ?? channel.heard;
        for (const event of events) channel.news.next(event);
      }
    } catch (error) {
      this.logger.warn(`Cannot read events of ${operationId}: ${(error as Error).message}`);
      channel.read = channel.heard;
      channel.news.next('reread');
    } finally {
      channel.reading = false;
    }
  }

  private rereadAll(): void {
    for (const channel of this.channels.values()) channel.news.next('reread');
  }
}
