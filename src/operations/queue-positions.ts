import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Transactor } from '../database/transactor';
import { EventFeed } from './event-feed';
import type { Operation } from './operation.entity';
import type { OperationStatus } from './operation-transitions';
import { LONGEST_COUNTED_QUEUE } from './operations.repository';
import { QueueRates } from './queue-rates';
import { passingFrame } from './sse-frames';

const EVERY_MS = 2_000;

/** Where a pending operation stands among those of its type: 1 is next. */
export interface QueuePlace {
  position: number;
  estimatedWaitSeconds: number | null;
}

interface Found {
  id: string;
  type: string;
  heldFor: string | null;
  position: number;
}

interface Watch {
  watchers: number;
  /** The place that the watchers were told last. */
  told?: string;
}

/** Follows one stream's operation in and out of the queue. */
export interface QueueFollower {
  readonly following: boolean;
  status(now: OperationStatus): void;
  stop(): void;
}

/**
 * Positions in the queues. Those who watch a pending operation hear of each change: one statement every two seconds finds
 * all of them, and only while there are any. Positions follow from other rows, so they are sent and not stored.
 */
@Injectable()
export class QueuePositions implements OnModuleDestroy {
  private readonly logger = new Logger(QueuePositions.name);
  private readonly watched = new Map<string, Watch>();
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly tx: Transactor,
    private readonly feed: EventFeed,
    private readonly rates: QueueRates,
  ) {}

  onModuleDestroy(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.watched.clear();
  }

  /** Null once the operation is not pending any more. */
  async placeOf({ id, status }: Operation): Promise<QueuePlace | null> {
    const [found] = status === 'pending' ? await this.find([id]) : [];
    return found ? { position: found.position, estimatedWaitSeconds: this.estimate(found) } : null;
  }

  follower(operationId: string): QueueFollower {
    let following = false;
    const follow = (pending: boolean): void => {
      if (pending === following) return;
      following = pending;
      if (pending) this.watch(operationId);
      else this.unwatch(operationId);
    };
    return {
      get following() {
        return following;
      },
      status: (now) => follow(now === 'pending'),
      stop: () => follow(false),
    };
  }

  /** Finds all positions that are watched, and tells those that changed. */
  async look(): Promise<void> {
    for (const found of await this.find([...this.watched.keys()])) {
      const { id, heldFor, position } = found;
      const watch = this.watched.get(id);
      const place = `${position} ${heldFor ?? ''}`;
      if (!watch || watch.told === place) continue;
      watch.told = place;
      const data = {
        message: `Waiting for ${heldFor ?? 'a worker'}`,
        position,
        estimated_wait_seconds: this.estimate(found),
        operation_id: id,
        timestamp: new Date().toISOString(),
      };
      this.feed.pass(id, passingFrame('queue_update', data));
    }
  }

  private watch(operationId: string): void {
    const watch = this.watched.get(operationId) ?? { watchers: 0 };
    watch.watchers += 1;
    // Whoever is new has seen no position but the one of long ago.
    watch.told = undefined;
    this.watched.set(operationId, watch);
    this.timer ??= setTimeout(() => void this.lookAndAgain(), EVERY_MS).unref();
  }

  private unwatch(operationId: string): void {
    const watch = this.watched.get(operationId);
    if (watch && (watch.watchers -= 1) === 0) this.watched.delete(operationId);
  }

  private async lookAndAgain(): Promise<void> {
    if (this.watched.size > 0) {
      await this.look().catch((error: Error) => this.logger.warn(`No positions in the queues: ${error.message}`));
    }
    this.timer = this.watched.size > 0 ? setTimeout(() => void this.lookAndAgain(), EVERY_MS).unref() : undefined;
  }

  /** How long others will keep what a held operation waits for is not known. */
  private estimate({ type, heldFor, position }: Found): number | null {
    return heldFor === null ? this.rates.estimate(type, position) : null;
  }

  /**
   * Those that wait for something else than a worker are counted among those that wait for the same. Far
   * back, places are not told apart: what is behind the longest counted queue is at its end.
   */
  private find(ids: string[]): Promise<Found[]> {
    return this.tx.em.query(
      `with asked as (
         select id, type, held_for from operation where id = any($1) and status = 'pending'
       ), ranked as (
         select q.id, q.n from (select distinct type, held_for from asked) t cross join lateral (
           select id, row_number() over (order by id) as n from operation
           where type = t.type and status = 'pending' and held_for is not distinct from t.held_for order by id limit ${LONGEST_COUNTED_QUEUE}) q
       )
       select a.id, a.type, a.held_for as "heldFor", coalesce(r.n, ${LONGEST_COUNTED_QUEUE + 1})::int as position
       from asked a left join ranked r on r.id = a.id`,
      [ids],
    );
  }
}
