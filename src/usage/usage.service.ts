import { Injectable } from '@nestjs/common';
import type { GraphAccess } from '../auth/access';
import { CreditsService } from '../billing/credits.service';
import { Clock } from '../common/clock';
import { toGraphConditionDto } from '../graphs/dto/graph.dto';
import { GraphsService } from '../graphs/graphs.service';
import { BYTES_PER_GB, StorageUsage } from '../limits/storage-usage';
import { type GraphQueryStats, QueryStats } from '../queries/query-stats';
import { toSlowDto } from '../queries/slow-query.dto';
import { DailyTrend } from './daily-trend';
import type { GraphMetricsResponse, GraphUsageResponse, TimeRange, UsageQuery } from './dto/usage.dto';
import { type Period, UsageRepository } from './usage.repository';

const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 24 * MS_PER_HOUR;
const RECENT_EVENTS = 50;
const SLOW_SHOWN = 10;

/** What a graph holds and what was used of it; all of it counted, nothing estimated. */
@Injectable()
export class UsageService {
  constructor(
    private readonly graphs: GraphsService,
    private readonly storage: StorageUsage,
    private readonly stats: QueryStats,
    private readonly usage: UsageRepository,
    private readonly trend: DailyTrend,
    private readonly credits: CreditsService,
    private readonly clock: Clock,
  ) {}

  /** What is in the graph now, and the queries of the last day. */
  async metrics(access: GraphAccess): Promise<GraphMetricsResponse> {
    const [graph, live, host, day, [size]] = await Promise.all([
      this.graphs.get(access.id),
      this.graphs.liveGeneration(access.id),
      this.graphs.hostStatus(access.id),
      this.stats.lastDay(access.id),
      this.storage.ofGraph(access.id),
    ]);
    const { nodes = {}, relationships = {} } = live?.manifest ?? {};
    return {
      graph_id: graph.id,
      graph_name: graph.name,
      user_role: access.role,
      timestamp: this.clock.now().toISOString(),
      total_nodes: sum(nodes),
      total_relationships: sum(relationships),
      node_counts: nodes,
      relationship_counts: relationships,
      estimated_size: {
        database_size_bytes: size.dataBytes,
        staged_size_bytes: size.stagedBytes,
        total_size_gb: (size.dataBytes + size.stagedBytes) / BYTES_PER_GB,
      },
      health_status: { ...toGraphConditionDto(graph, host), error_rate_24h: day.errorRate },
      queries_24h: toQuerySummary(day),
    };
  }

  /** What was used in a time. */
  async over(access: GraphAccess, query: UsageQuery): Promise<GraphUsageResponse> {
    const now = this.clock.now();
    const period = periodOf(query.time_range, now);
    const queries = await this.stats.between(access.id, period.from, period.to);
    return {
      graph_id: access.id,
      time_range: query.time_range,
      timestamp: now.toISOString(),
      period: { start: period.from.toISOString(), end: period.to.toISOString() },
      storage_summary: query.include_storage === 'false' ? null : await this.storageSummary(access, period),
      credit_summary: query.include_credits === 'false' ? null : await this.creditSummary(access, period),
      performance_insights:
        query.include_performance === 'true' ? await this.performance(access.id, period, queries) : null,
      query_summary: toQuerySummary(queries),
      daily_trend: await this.trend.of(access.orgId, period, undefined, access.id),
      recent_events:
        query.include_events === 'true' ? await this.usage.recentOperations(access.id, period, RECENT_EVENTS) : [],
    };
  }

  private async storageSummary({ id, tier }: GraphAccess, period: Period): Promise<object> {
    const { least, most, byteHours, generations } = await this.usage.storage(id, period);
    const hours = (period.to.getTime() - period.from.getTime()) / MS_PER_HOUR;
    return {
      graph_tier: tier,
      avg_storage_gb: byteHours / hours / BYTES_PER_GB,
      max_storage_gb: (most ?? 0) / BYTES_PER_GB,
      min_storage_gb: (least ?? 0) / BYTES_PER_GB,
      total_gb_hours: byteHours / BYTES_PER_GB,
      measurement_count: generations,
    };
  }

  private async creditSummary({ id, tier }: GraphAccess, { from, to }: Period): Promise<object> {
    const spent = await this.credits.spent(id, from, to);
    const total = spent.reduce((sum, { amount }) => sum + amount, 0);
    const count = spent.reduce((sum, one) => sum + one.count, 0);
    return {
      graph_tier: tier,
      total_credits_consumed: total,
      total_base_cost: total,
      operation_breakdown: Object.fromEntries(spent.map(({ operationType, ...sum }) => [operationType, sum])),
      cached_operations: 0,
      billable_operations: count,
      transaction_count: count,
    };
  }

  private async performance(graphId: string, period: Period, queries: GraphQueryStats): Promise<object> {
    const [operations, slow] = await Promise.all([
      this.usage.operationStats(graphId, period),
      this.stats.slowest(graphId, SLOW_SHOWN),
    ]);
    const operationStats = Object.fromEntries(
      operations.map(({ type, count, failed, averageMs }) => [type, { count, failed, avg_duration_ms: averageMs }]),
    );
    return {
      analysis_period_days: Math.max(1, Math.round((period.to.getTime() - period.from.getTime()) / MS_PER_DAY)),
      total_operations: queries.queries + operations.reduce((total, { count }) => total + count, 0),
      operation_stats: { ...operationStats, query: toQuerySummary(queries) },
      slow_queries: slow.filter(({ startedAt }) => startedAt >= period.from && startedAt < period.to).map(toSlowDto),
      // The share of queries that were answered, in percent.
      performance_score: Math.round((1 - queries.errorRate) * 100),
    };
  }
}

/** Months are those of UTC. */
export function periodOf(range: TimeRange, now: Date): Period {
  const month = (offset: number): Date => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1));
  switch (range) {
    case '24h':
      return { from: new Date(now.getTime() - MS_PER_DAY), to: now };
    case '7d':
      return { from: new Date(now.getTime() - 7 * MS_PER_DAY), to: now };
    case '30d':
      return { from: new Date(now.getTime() - 30 * MS_PER_DAY), to: now };
    case 'current_month':
      return { from: month(0), to: now };
    case 'last_month':
      return { from: month(-1), to: month(0) };
  }
}

function toQuerySummary({ queries, failures, totalMs, averageMs, maxMs, rows, bytes }: GraphQueryStats): object {
  return {
    count: queries,
    failed: failures,
    total_ms: totalMs,
    avg_ms: averageMs,
    max_ms: maxMs,
    rows_returned: rows,
    bytes_returned: bytes,
  };
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
