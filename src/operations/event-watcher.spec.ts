import { Subject } from 'rxjs';
import { EventWatcher, type FeedNews, isEvent, Passing, type WatchedLog } from './event-watcher';

interface Numbered {
  sequence: number;
}

describe('a watcher', () => {
  let news: Subject<FeedNews<Numbered>>;
  let stored: Numbered[];
  const log: WatchedLog<Numbered, number> = {
    read: (cursor) => Promise.resolve(stored.filter(({ sequence }) => sequence > cursor)),
    cursorOf: ({ sequence }) => sequence,
    place: ({ sequence }, cursor) => (sequence <= cursor ? 'seen' : sequence === cursor + 1 ? 'next' : 'gap'),
  };

  beforeEach(() => {
    news = new Subject();
    stored = [{ sequence: 1 }, { sequence: 2 }];
  });

  /** What is seen until the first silence; `act` is called with each. */
  const watch = async (act: (seen: unknown[]) => void): Promise<unknown[]> => {
    const stop = new AbortController();
    const seen: unknown[] = [];
    for await (const event of new EventWatcher(news, log, 0).events({ signal: stop.signal, idleMs: 50 })) {
      seen.push(isEvent(event) ? event.sequence : event instanceof Passing ? event.frame : event);
      if (event === 'idle') stop.abort();
      else act(seen);
    }
    return seen;
  };

  it('reads once more when it is told to while it reads', async () => {
    const seen = await watch(({ length }) => {
      if (length !== 1) return;
      // The connection for news was away, this was committed meanwhile, and now it is back.
      stored.push({ sequence: 3 });
      news.next('reread');
    });
    expect(seen).toEqual([1, 2, 3, 'caught_up', 'idle']);
  });

  it('passes on what is in no log while it is live, and leaves it out while it reads', async () => {
    const seen = await watch(({ length }) => {
      if (length === 1) news.next(new Passing('too early'));
      if (length === 3) news.next(new Passing('in time'));
    });
    expect(seen).toEqual([1, 2, 'caught_up', 'in time', 'idle']);
  });

  it('ends when the news end', async () => {
    const seen = await watch(({ length }) => {
      if (length === 3) news.complete();
    });
    expect(seen).toEqual([1, 2, 'caught_up']);
  });
});
