import { Observable, Subject } from 'rxjs';

/** What the watchers of one thing share: the news, so that each read of the log serves them all. */
export interface Channel<N> {
  readonly news: Subject<N>;
  watchers: number;
}

/** A channel for each key that is being watched, for as long as somebody watches. */
export class WatchedChannels<N, K extends Channel<N>> {
  private readonly open = new Map<string, K>();
  private closed = false;

  constructor(
    private readonly make: (news: Subject<N>, key: string) => K,
    private readonly dispose: (channel: K) => void = () => undefined,
  ) {}

  get(key: string): K | undefined {
    return this.open.get(key);
  }

  all(): IterableIterator<[string, K]> {
    return this.open.entries();
  }

  /** The news of a key; the channel is there while this is subscribed to. */
  watch(key: string): Observable<N> {
    return new Observable((watcher) => {
      if (this.closed) return watcher.complete();
      const channel = this.open.get(key) ?? this.make(new Subject<N>(), key);
      this.open.set(key, channel);
      channel.watchers += 1;
      const subscription = channel.news.subscribe(watcher);
      return () => {
        subscription.unsubscribe();
        channel.watchers -= 1;
        if (channel.watchers > 0 || this.open.get(key) !== channel) return;
        this.open.delete(key);
        this.dispose(channel);
      };
    });
  }

  tellAll(news: N): void {
    for (const channel of this.open.values()) channel.news.next(news);
  }

  /** Ends every watcher, also those to come. */
  close(): void {
    this.closed = true;
    for (const channel of [...this.open.values()]) channel.news.complete();
  }
}
