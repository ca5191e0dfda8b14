import { Injectable } from '@nestjs/common';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { TierTable } from './tier-table';
import { TIERS } from './tiers';

export const WINDOW_SECONDS = 60;
/** A process takes this share of a minute's requests at a time. */
const BLOCKS = 50;
const MAX_REMEMBERED = 10_000;

/** Where a caller stands in the present minute. */
export interface RateState {
  allowed: boolean;
  limit: number;
  /** Requests left to everybody of the organisation, as far as this process knows. */
  remaining: number;
  resetSeconds: number;
}

interface Budget {
  limit: number;
  /** Milliseconds since the epoch; the minute begins with an organisation's first request. */
  windowEnds: number;
  /** Taken from the common count and not used up here yet. */
  left: number;
  /** What nobody had taken when this process last asked. */
  untaken: number;
  taking?: Promise<void>;
}

/**
 * Requests of each organisation by the minute, counted over all processes at next to no cost: a process takes them from
 * the count in Postgres in blocks of a fiftieth, and asks for the next block while the present one lasts. So an organisation
 * never gets more than its limit, and with n processes up to (n - 1) fiftieths of it may stay unused.
 */
@Injectable()
export class RateBudgets {
  private readonly budgets = new Map<string, Budget>();
  private readonly counter: RateLimiterPostgres;

  constructor(
    private readonly dataSource: DataSource,
    private readonly tiers: TierTable,
  ) {
    this.counter = new RateLimiterPostgres({
      storeClient: dataSource,
      storeType: 'typeorm',
      tableName: 'request_count',
      tableCreated: true,
      keyPrefix: 'minute',
      // The limit differs by organisation, so what was counted is judged here.
      points: Number.MAX_SAFE_INTEGER,
      duration: WINDOW_SECONDS,
    });
  }

  /** Counts one request; at once where a block is at hand. `orgId` null: the caller acts for no organisation. */
  take(orgId: string | null, userId: string): RateState | Promise<RateState> {
    const key = orgId ?? userId;
    const budget = this.budgets.get(key);
    if (budget !== undefined && Date.now() < budget.windowEnds) {
      if (budget.left > 0 || budget.untaken === 0) return this.spend(key, budget);
    }
    return this.takeAndSpend(key, orgId);
  }

  private async takeAndSpend(key: string, orgId: string | null): Promise<RateState> {
    for (;;) {
      let budget = this.budgets.get(key);
      if (budget === undefined || Date.now() >= budget.windowEnds) budget = await this.begin(key, orgId);
      if (budget.left > 0 || budget.untaken === 0) return this.spend(key, budget);
      await this.takeBlock(key, budget);
    }
  }

  private spend(key: string, budget: Budget): RateState {
    const allowed = budget.left > 0;
    if (allowed) budget.left -= 1;
    const block = blockOf(budget.limit);
    if (budget.left < block / 2 && budget.untaken > 0 && block > 1 && budget.taking === undefined) {
      // Who needs it awaits it, and meets its failure; until then nobody does.
      this.takeBlock(key, budget).catch(() => undefined);
    }
    const { limit, left, untaken, windowEnds } = budget;
    const resetSeconds = Math.max(1, Math.ceil((windowEnds - Date.now()) / 1000));
    return { allowed, limit, remaining: left + untaken, resetSeconds };
  }

  private async begin(key: string, orgId: string | null): Promise<Budget> {
    const limit = await this.limitOf(orgId);
    const known = this.budgets.get(key);
    // Several came at once; one of them was first.
    if (known !== undefined && Date.now() < known.windowEnds) return known;
    const budget = { limit, windowEnds: Infinity, left: 0, untaken: limit };
    if (this.budgets.size >= MAX_REMEMBERED) this.forgetEnded();
    this.budgets.set(key, budget);
    return budget;
  }

  /** One block at a time for each organisation, however many wait for it. */
  private takeBlock(key: string, budget: Budget): Promise<void> {
    budget.taking ??= this.askForBlock(key, budget).finally(() => (budget.taking = undefined));
    return budget.taking;
  }

  private async askForBlock(key: string, budget: Budget): Promise<void> {
    const block = blockOf(budget.limit);
    const { consumedPoints, msBeforeNext } = await this.counter.consume(key, block).catch((error: Error) => {
      // What is known here may be of a minute that is over.
      if (this.budgets.get(key) === budget) this.budgets.delete(key);
      throw error;
    });
    const granted = Math.min(block, Math.max(0, budget.limit - (consumedPoints - block)));
    budget.left += granted;
    budget.untaken = Math.max(0, budget.limit - consumedPoints);
    budget.windowEnds = Date.now() + msBeforeNext;
  }

  /** An organisation may send what the largest tier among its graphs allows. */
  private async limitOf(orgId: string | null): Promise<number> {
    const rows =
      orgId === null
        ? []
        : await this.dataSource.query<{ tier: string }[]>(
            `select distinct tier from graph where org_id = $1 and status not in ('deleted', 'failed')`,
            [orgId],
          );
    const tiers = rows.length === 0 ? [TIERS[0]] : rows.map(({ tier }) => tier);
    return Math.max(...tiers.map((tier) => this.tiers.of(tier).requests_per_minute));
  }

  private forgetEnded(): void {
    const now = Date.now();
    for (const [key, { windowEnds }] of this.budgets) if (windowEnds <= now) this.budgets.delete(key);
    // All of them are in use: those dropped here only ask the common count again.
    if (this.budgets.size >= MAX_REMEMBERED) this.budgets.clear();
  }
}

function blockOf(limit: number): number {
  return Math.max(1, Math.floor(limit / BLOCKS));
}
