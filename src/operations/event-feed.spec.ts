import { Subject } from 'rxjs';
import type { Notifications } from '../database/notifications';
import { EventFeed } from './event-feed';
import { isEvent, type Watched } from './event-watcher';
import type { OperationLog } from './operation-log';
import type { OperationEvent } from './operation.entity';

/** A log in memory that counts how often it is read. */
class MemoryLog {
  readonly events: OperationEvent[] = [];
  reads = 0;

  add(count: number): void {
    for (let n = 0; n < count; n += 1) {
      const sequence = this.events.length + 1;
      this.events.push({ operationId: 'op', sequence, type: 'operation_progress', data: {}, createdAt: new Date() });
    }
  }

  async read(_id: string, cursor: number, limit: number): Promise<OperationEvent[]> {
    this.reads += 1;
    return this.events.filter(({ sequence }) => sequence > cursor).slice(0, limit);
  }
}

describe('the live feed', () => {
  let log: MemoryLog;
  let heard: Subject<string>;
  let reconnected: Subject<void>;
  let feed: EventFeed;

  beforeEach(async () => {
    log = new MemoryLog();
    heard = new Subject();
    reconnected = new Subject();
    const notifications = { listen: async () => heard, reconnected } as unknown as Notifications;
    feed = new EventFeed(notifications, log as unknown as OperationLog);
    await feed.onModuleInit();
  });

  afterEach(() => feed.onModuleDestroy());

  const watch = (cursor = 0) => feed.events('op', cursor, { signal: new AbortController().signal });

  const take = async (events: AsyncGenerator<Watched<OperationEvent>>, count: number): Promise<number[]> => {
    const sequences: number[] = [];
    while (sequences.length < count) {
      const next = await events.next();
      if (next.done) break;
      if (isEvent(next.value)) sequences.push(next.value.sequence);
    }
    return sequences;
  };

  it('reads an event once, however many watch', async () => {
    log.add(1);
    const watchers = Array.from({ length: 100 }, () => watch());
    await Promise.all(watchers.map((watcher) => take(watcher, 1)));
    const next = watchers.map((watcher) => take(watcher, 1));
    await new Promise(setImmediate);
    const before = log.reads;
    log.add(1);
    heard.next('op:2');
    expect(await Promise.all(next)).toEqual(watchers.map(() => [2]));
    expect(log.reads).toBe(before + 1);
  });

  it('gives a reader that lags everything, in order, from the log', async () => {
    log.add(1);
    const slow = watch();
    expect(await take(slow, 1)).toEqual([1]);
    const second = take(slow, 1);
    await new Promise(setImmediate);
    for (let n = 2; n <= 2_000; n += 1) {
      log.add(1);
      heard.next(`op:${n}`);
      await new Promise(setImmediate);
    }
    expect(await second).toEqual([2]);
    expect(await take(slow, 1_998)).toEqual(Array.from({ length: 1_998 }, (_, n) => n + 3));
  });

  it('reads again after the connection was lost, because what was sent meanwhile is gone', async () => {
    const watcher = watch();
    const first = take(watcher, 3);
    await new Promise(setImmediate);
    log.add(3);
    reconnected.next();
    expect(await first).toEqual([1, 2, 3]);
  });

  it('fills a gap when a notification was lost, and passes no event twice', async () => {
    const watcher = watch();
    const all = take(watcher, 5);
    await new Promise(setImmediate);
    log.add(3);
    heard.next('op:3');
    heard.next('op:2');
    log.add(2);
    heard.next('op:5');
    heard.next('op:4');
    expect(await all).toEqual([1, 2, 3, 4, 5]);
  });

  it('ends when the process shuts down', async () => {
    const ended = take(watch(), 1);
    await new Promise(setImmediate);
    feed.onModuleDestroy();
    expect(await ended).toEqual([]);
  });
});
