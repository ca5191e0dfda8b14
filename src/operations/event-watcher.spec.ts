import { Subject } from 'rxjs';
import { EventWatcher, type FeedNews } from './event-watcher';
import type { OperationLog } from './operation-log';
import type { OperationEvent } from './operation.entity';

describe('a watcher', () => {
  it('reads once more when it is told to while it reads', async () => {
    const news = new Subject<FeedNews>();
    const stored = [{ sequence: 1 }, { sequence: 2 }] as OperationEvent[];
    const log = {
      read: (_id: string, cursor: number) => Promise.resolve(stored.filter(({ sequence }) => sequence > cursor)),
    } as unknown as OperationLog;
    const stop = new AbortController();
    const seen: (number | 'idle')[] = [];
    for await (const event of new EventWatcher(news, log, 'op', 0).events(stop.signal, 50)) {
      seen.push(event === 'idle' ? event : event.sequence);
      if (seen.length === 1) {
        // The connection for news was away, this was committed meanwhile, and now it is back.
        stored.push({ sequence: 3 } as OperationEvent);
        news.next('reread');
      }
      if (event === 'idle') stop.abort();
    }
    expect(seen).toEqual([1, 2, 3, 'idle']);
  });
});
