import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { Notifications } from '../database/notifications';
import {
  EventWatcher,
  type FeedNews,
  Passing,
  type Watched,
  type WatchedLog,
  type WatchOptions,
} from './event-watcher';
import { EVENTS_CHANNEL, OperationLog } from './operation-log';
import type { OperationEvent } from './operation.entity';
import { type Channel, WatchedChannels } from './watched-channels';

/** One watched operation: everybody who watches it shares each read of the log. */
interface OperationChannel extends Channel<FeedNews<OperationEvent>> {
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
  private readonly channels = new WatchedChannels<FeedNews<OperationEvent>, OperationChannel>((news) => ({
    news,
    watchers: 0,
    heard: 0,
    read: 0,
    reading: false,
  }));
  private readonly subscriptions = new Subscription();

  constructor(
    private readonly notifications: Notifications,
    private readonly log: OperationLog,
  ) {}

  async onModuleInit(): Promise<void> {
    const heard = await this.notifications.listen(EVENTS_CHANNEL);
    this.subscriptions.add(heard.subscribe((payload) => this.hear(payload)));
    this.subscriptions.add(this.notifications.reconnected.subscribe(() => this.channels.tellAll('reread')));
  }

  /** Ends every stream at once: clients connect again, elsewhere, and go on where they were. */
  onModuleDestroy(): void {
    this.subscriptions.unsubscribe();
    this.channels.close();
  }

  /**
   * All events after `cursor`, those in the log and those to come, each once and in order, until `signal` or the
   * shutdown of the process.
   */
  events(operationId: string, cursor: number, options: WatchOptions): AsyncGenerator<Watched<OperationEvent>> {
    return new EventWatcher(this.channels.watch(operationId), this.logOf(operationId), cursor).events(options);
  }

  /** Sends those who watch an operation live a frame that is not stored. */
  pass(operationId: string, frame: string): void {
    this.channels.get(operationId)?.news.next(new Passing(frame));
  }

  private logOf(operationId: string): WatchedLog<OperationEvent, number> {
    return {
      read: (cursor, limit) => this.log.read(operationId, cursor, limit),
      cursorOf: ({ sequence }) => sequence,
      place: ({ sequence }, cursor) => (sequence <= cursor ? 'seen' : sequence === cursor + 1 ? 'next' : 'gap'),
    };
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

  private async read(operationId: string, channel: OperationChannel): Promise<void> {
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
}
