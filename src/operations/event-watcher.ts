import type { Observable, Subscription } from 'rxjs';

/** Something to be sent that is in no log: whoever is not live just now does without. */
export class Passing {
  constructor(readonly frame: string) {}
}

/** A new event, or word that some may have been missed and the log must be read. */
export type FeedNews<E> = E | Passing | 'reread';

/** An ordered log that one reader follows from a cursor. */
export interface WatchedLog<E, C> {
  /** Events after `cursor`, in order, at most `limit`; fewer only at the end of the log. */
  read(cursor: C, limit: number): Promise<E[]>;
  /** The cursor of a reader that has seen this event. */
  cursorOf(event: E): C;
  /** How an event stands to a cursor: already seen, the next one, or with others in between. */
  place(event: E, cursor: C): 'seen' | 'next' | 'gap';
}

export interface WatchOptions {
  signal: AbortSignal;
  /** Says `idle` after each such silence, in milliseconds. */
  idleMs?: number;
}

/** `caught_up` is said each time the end of the log was reached by reading it. */
export type Watched<E> = E | Passing | 'idle' | 'caught_up';

/** Whether this is an event of the log. */
export function isEvent<E extends object>(news: Watched<E>): news is E {
  return typeof news !== 'string' && !(news instanceof Passing);
}

/** Live events that wait for a slow reader; past this they are dropped and read from the log at the reader's pace. */
const MOST_WAITING = 256;
const PAGE = 200;

/**
 * One reader of a log. It subscribes first and reads the log second; whatever is heard meanwhile is compared with its
 * cursor, so it has no gap and no double, and its memory is bounded. Ends with the signal, or when the news end.
 */
export class EventWatcher<E extends object, C> {
  private readonly waiting: (E | Passing)[] = [];
  /** Reads the log before it listens to live events again. */
  private behind = true;
  /** Something was heard of while the log was being read. */
  private missed = false;
  private ended = false;
  private wake?: () => void;

  constructor(
    private readonly news: Observable<FeedNews<E>>,
    private readonly log: WatchedLog<E, C>,
    private cursor: C,
  ) {}

  async *events({ signal, idleMs }: WatchOptions): AsyncGenerator<Watched<E>> {
    let subscription: Subscription | undefined;
    const end = (): void => {
      this.ended = true;
      this.wake?.();
    };
    signal.addEventListener('abort', end);
    try {
      if (signal.aborted) return;
      subscription = this.news.subscribe({ next: (news) => this.take(news), complete: end });
      while (!this.ended) {
        if (this.behind) yield* this.replay();
        else if (this.waiting.length > 0) yield* this.next(this.waiting.shift()!);
        else if (await this.silence(idleMs)) yield 'idle';
      }
    } finally {
      signal.removeEventListener('abort', end);
      subscription?.unsubscribe();
    }
  }

  private take(news: FeedNews<E>): void {
    if (news instanceof Passing && (this.behind || this.waiting.length === MOST_WAITING)) return;
    if (news === 'reread' || this.waiting.length === MOST_WAITING) {
      this.behind = true;
      this.missed = true;
      this.waiting.length = 0;
    } else if (!this.behind) {
      this.waiting.push(news);
    } else {
      // Being read from the log just now; whether that read saw it is found out by reading once more.
      this.missed = true;
    }
    this.wake?.();
  }

  private async *replay(): AsyncGenerator<Watched<E>> {
    for (;;) {
      this.missed = false;
      const page = await this.log.read(this.cursor, PAGE);
      for (const event of page) {
        if (this.ended) return;
        this.cursor = this.log.cursorOf(event);
        yield event;
      }
      if (page.length < PAGE && !this.missed) break;
    }
    this.behind = false;
    yield 'caught_up';
  }

  private *next(event: E | Passing): Generator<E | Passing> {
    if (event instanceof Passing) {
      yield event;
      return;
    }
    const place = this.log.place(event, this.cursor);
    if (place === 'seen') return;
    if (place === 'gap') {
      this.behind = true;
      return;
    }
    this.cursor = this.log.cursorOf(event);
    yield event;
  }

  /** Waits for news; true when `idleMs` went by without any. */
  private silence(idleMs?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (idle: boolean): void => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve(idle);
      };
      const timer = idleMs === undefined ? undefined : setTimeout(() => end(true), idleMs);
      this.wake = () => end(false);
    });
  }
}
