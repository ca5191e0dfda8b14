import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';

/** How long a rate is used before it is measured again. */
const GOOD_FOR_MS = 5_000;
const WINDOW_SECONDS = 600;
/** Enough completions to tell a rate from, so that a busy type is not counted through. */
const MOST_COUNTED = 1_000;

interface Rate {
  perSecond: number | null;
  measuredAt: number;
  measuring: boolean;
}

/** How fast operations of each type are completed. Nobody waits for it: who asks gets what is known, and it is renewed aside. */
@Injectable()
export class QueueRates {
  private readonly logger = new Logger(QueueRates.name);
  private readonly rates = new Map<string, Rate>();

  constructor(
    private readonly tx: Transactor,
    private readonly clock: Clock,
  ) {}

  /** Seconds until an operation at this position begins; null where too little is known. */
  estimate(type: string, position: number): number | null {
    const rate = this.rateOf(type);
    return rate.perSecond === null ? null : Math.ceil(position / rate.perSecond);
  }

  /** Operations of this type completed each second, null where unknown. */
  perSecond(type: string): number | null {
    return this.rateOf(type).perSecond;
  }

  /** Measures a rate now. */
  async measure(type: string): Promise<void> {
    const [{ n, seconds, busy }] = await this.tx.em.query<{ n: number; seconds: number; busy: number }[]>(
      `select count(*)::int as n, extract(epoch from now() - min(ended_at))::float8 as seconds,
         extract(epoch from avg(ended_at - started_at))::float8 as busy
       from (select ended_at, started_at from operation where type = $1 and status = 'completed'
         and ended_at > now() - $2 * interval '1 second' order by ended_at desc limit $3) done`,
      [type, WINDOW_SECONDS, MOST_COUNTED],
    );
    const counted = n / (n === MOST_COUNTED ? Math.max(seconds, 0.001) : WINDOW_SECONDS);
    // Few were completed because few were asked for? One worker alone would still do one in the time that one takes.
    const perSecond = n === 0 ? null : Math.max(counted, 1 / Math.max(busy, 0.001));
    this.rates.set(type, { perSecond, measuredAt: this.clock.now().getTime(), measuring: false });
  }

  private rateOf(type: string): Rate {
    const rate = this.rates.get(type) ?? { perSecond: null, measuredAt: -Infinity, measuring: false };
    this.rates.set(type, rate);
    if (!rate.measuring && this.clock.now().getTime() - rate.measuredAt > GOOD_FOR_MS) {
      rate.measuring = true;
      this.measure(type).catch((error: Error) => {
        rate.measuring = false;
        this.logger.debug(`No rate of ${type}: ${error.message}`);
      });
    }
    return rate;
  }
}
