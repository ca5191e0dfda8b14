import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { Notifications } from '../database/notifications';
import { EventWatcher, type FeedNews, type Watched, type WatchedLog, type WatchOptions } from './event-watcher';
import { EVENTS_CHANNEL } from './operation-log';
import { isAfter, type OrgCursor, type OrgEvent, OrgEventLog, orgCursorOf } from './org-event-log';
import { type Channel, WatchedChannels } from './watched-channels';

/** One watched organisation: everybody who watches it shares each read of the log. */
interface OrgChannel extends Channel<FeedNews<OrgEvent>> {
  /** What was told to the watchers; null until the first news. */
  cursor: OrgCursor | null;
  looking: boolean;
  /** Something was heard of since the last look began. */
  heard: boolean;
  timer?: NodeJS.Timeout;
}

const PAGE = 500;
/** Between two looks: many commits share one, and what an older transaction holds back is looked for less and less. */
const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;

/** The live side of the events of whole organisations: hears of commits and reads each page once for all who watch. */
@Injectable()
export class OrgEventFeed implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(OrgEventFeed.name);
  private readonly channels = new WatchedChannels<FeedNews<OrgEvent>, OrgChannel>(
    (news) => ({ news, watchers: 0, cursor: null, looking: false, heard: false }),
    (channel) => clearTimeout(channel.timer),
  );
  private readonly subscriptions = new Subscription();

  constructor(
    private readonly notifications: Notifications,
    private readonly log: OrgEventLog,
  ) {}

  async onModuleInit(): Promise<void> {
    const heard = await this.notifications.listen(EVENTS_CHANNEL);
    this.subscriptions.add(heard.subscribe((payload) => this.look(payload.split(':')[2])));
    this.subscriptions.add(this.notifications.reconnected.subscribe(() => this.channels.tellAll('reread')));
  }

  /** Ends every stream at once: clients connect again, elsewhere, and go on where they were. */
  onModuleDestroy(): void {
    this.subscriptions.unsubscribe();
    for (const [, channel] of this.channels.all()) clearTimeout(channel.timer);
    this.channels.close();
  }

  /** All events of an organisation after `cursor`, each once and in order, until `signal` or the end of the process. */
  events(orgId: string, cursor: OrgCursor, options: WatchOptions): AsyncGenerator<Watched<OrgEvent>> {
    const log: WatchedLog<OrgEvent, OrgCursor> = {
      read: async (after, limit) => {
        const { events, unsettled } = await this.log.read(orgId, after, limit);
        // They may have been announced before anybody watched; nobody else would look for them.
        if (unsettled) this.look(orgId);
        return events;
      },
      cursorOf: orgCursorOf,
      place: (event, seen) => (isAfter(orgCursorOf(event), seen) ? 'next' : 'seen'),
    };
    return new EventWatcher(this.channels.watch(orgId), log, cursor).events(options);
  }

  private look(orgId: string | undefined): void {
    const channel = orgId ? this.channels.get(orgId) : undefined;
    if (!channel) return;
    channel.heard = true;
    if (channel.looking) return;
    channel.looking = true;
    void this.read(orgId!, channel, SHORTEST_PAUSE_MS);
  }

  /** Tells what is new, and comes back while there may be more. */
  private async read(orgId: string, channel: OrgChannel, pauseMs: number): Promise<void> {
    channel.heard = false;
    let more = false;
    try {
      if (channel.cursor === null) {
        // Watchers read by themselves what stands before this; what follows is told to them.
        channel.cursor = await this.log.end(orgId);
        channel.news.next('reread');
      }
      const { events, unsettled } = await this.log.read(orgId, channel.cursor, PAGE);
      if (events.length > 0) channel.cursor = orgCursorOf(events[events.length - 1]);
      for (const event of events) channel.news.next(event);
      more = unsettled || events.length === PAGE;
    } catch (error) {
      this.logger.warn(`Cannot read events of organisation ${orgId}: ${(error as Error).message}`);
      more = true;
    }
    if (channel.watchers === 0 || !(more || channel.heard)) {
      channel.looking = false;
      return;
    }
    const next = channel.heard ? SHORTEST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    channel.timer = setTimeout(() => void this.read(orgId, channel, next), channel.heard ? SHORTEST_PAUSE_MS : pauseMs);
  }
}
