import { Injectable } from '@nestjs/common';
import type { OrgAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { BYTES_PER_GB } from '../limits/storage-usage';
import { TierTable } from '../limits/tier-table';
import { OrgsService } from '../orgs/orgs.service';
import type { OrgUsageResponse } from './dto/org-usage.dto';
import { DailyTrend, startOfDay, sumOf, toUsed } from './daily-trend';
import { UsageRepository } from './usage.repository';

const MS_PER_DAY = 86_400_000;
const DAYS_PER_MONTH = 30;

/** What an organisation used over whole days (UTC), up to now. */
@Injectable()
export class OrgUsageService {
  constructor(
    private readonly orgs: OrgsService,
    private readonly usage: UsageRepository,
    private readonly trend: DailyTrend,
    private readonly tiers: TierTable,
    private readonly clock: Clock,
  ) {}

  /** Sums are of all graphs; by name stand those that the caller may see. */
  async over(actor: Actor, org: OrgAccess, days: number): Promise<OrgUsageResponse> {
    const now = this.clock.now();
    const from = new Date(startOfDay(now).getTime() - (days - 1) * MS_PER_DAY);
    const [graphs, byDay, seen] = await Promise.all([
      this.usage.graphsOf(org.id),
      this.usage.days(org.id, { from, to: now }),
      this.orgs.graphs(actor, org),
    ]);
    const visible = new Set(seen.map(({ graph_id }) => graph_id));
    const all = sumOf(byDay);
    const roots = graphs.filter(({ parentId }) => parentId === null);
    return {
      org_id: org.id,
      period_days: days,
      start_date: from.toISOString(),
      end_date: now.toISOString(),
      summary: {
        total_credits_used: all.credits,
        // None are offered.
        total_ai_operations: 0,
        total_storage_gb: graphs.reduce((sum, { bytes }) => sum + bytes, 0) / BYTES_PER_GB,
        total_api_calls: all.queries + all.operations,
        daily_avg_credits: all.credits / days,
        daily_avg_api_calls: (all.queries + all.operations) / days,
        projected_monthly_credits: (all.credits / days) * DAYS_PER_MONTH,
        projected_monthly_api_calls: Math.round(((all.queries + all.operations) / days) * DAYS_PER_MONTH),
        credits_limit: roots.reduce((sum, { tier }) => sum + this.tiers.of(tier).monthly_credits, 0),
        api_calls_limit: null,
        storage_limit_gb: graphs.reduce((sum, { tier }) => sum + this.tiers.of(tier).storage_gb, 0),
      },
      graph_details: graphs
        .filter(({ id }) => visible.has(id))
        .map(({ id, name, tier, bytes }) => ({
          graph_id: id,
          graph_name: name,
          graph_tier: tier,
          storage_gb: bytes / BYTES_PER_GB,
          ...toUsed(sumOf(byDay.filter(({ graphId }) => graphId === id))),
        })),
      daily_trend: await this.trend.of(org.id, { from, to: now }, byDay),
    };
  }
}
