import type { Observable, Subscription } from 'rxjs';
import type { OperationLog } from './operation-log';
import type { OperationEvent } from './operation.entity';

/** A new event, or word that some may have been missed and the log must be read. */
export type FeedNews = OperationEvent | 'reread';

/** Live events that wait for a slow reader; past this they are dropped and read from the log at the reader's pace. */
const MOST_WAITING = 256;
const PAGE = 200;

/**
 * One reader of one operation's events. It subscribes first and reads the log second; whatever is heard meanwhile is
 * compared with its cursor, so it has no gap and no double, and its memory is bounded.
 */
export class EventWatcher {
  private readonly waiting: OperationEvent[] = [];
  /** Reads the log before it listens to live events again. */
  private behind = true;
  /** Something was heard of while the log was being read. */
  private missed = false;
  private wake?: () => void;

  constructor(
    private readonly news: Observable<FeedNews>,
    private readonly log: OperationLog,
    private readonly operationId: string,
    private cursor: number,
  ) {}

  async *events(signal: AbortSignal, idleMs?: number): AsyncGenerator<OperationEvent | 'idle'> {
    let subscription: Subscription | undefined;
    const onAbort = (): void => this.wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      subscription = this.news.subscribe((news) => this.take(news));
      while (!signal.aborted) {
        if (this.behind) yield* this.replay(signal);
        else if (this.waiting.length > 0) yield* this.next(this.waiting.shift()!);
        else if (await this.silence(signal, idleMs)) yield 'idle';
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      subscription?.unsubscribe();
    }
  }

  private take(news: FeedNews): void {
    if (news === 'reread' || this.waiting.length === MOST_WAITING) {
      this.behind = true;
      // The read that is under way may have looked too early.
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

  private async *replay(signal: AbortSignal): AsyncGenerator<OperationEvent> {
    for (;;) {
      this.missed = false;
      const page = await this.log.read(this.operationId, this.cursor, PAGE);
      for (const event of page) {
        if (signal.aborted) return;
        this.cursor = event.sequence;
        yield event;
      }
      if (page.length < PAGE && !this.missed) break;
    }
    this.behind = false;
  }

  private *next(event: OperationEvent): Generator<OperationEvent> {
    if (event.sequence <= this.cursor) return;
    if (event.sequence > this.cursor + 1) {
      this.behind = true;
      return;
    }
    this.cursor = event.sequence;
    yield event;
  }

  /** Waits for news; true when `idleMs` went by without any. */
  private silence(signal: AbortSignal, idleMs?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (idle: boolean): void => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve(idle);
      };
      const timer = idleMs === undefined ? undefined : setTimeout(() => end(true), idleMs);
      this.wake = () => end(false);
      if (signal.aborted) end(false);
    });
  }
}
