import { Injectable } from '@nestjs/common';
import { BYTES_PER_GB } from '../limits/storage-usage';
import { type GraphDay, type Period, UsageRepository } from './usage.repository';

const MS_PER_DAY = 86_400_000;

export type Used = Pick<GraphDay, 'queries' | 'operations' | 'credits'>;

/** What was used day by day (UTC), by all graphs of an organisation or by one. */
@Injectable()
export class DailyTrend {
  constructor(private readonly usage: UsageRepository) {}

  /** An entry for each day, `storage_gb` is the live data at its end. `byDay`: what is known of the days. */
  async of(orgId: string, { from, to }: Period, byDay?: GraphDay[], graphId: string | null = null): Promise<object[]> {
    const first = startOfDay(from);
    const period = { from: first, to };
    const [days, storage] = await Promise.all([
      byDay ?? this.usage.days(orgId, period, graphId),
      this.usage.storageDays(orgId, period, graphId),
    ]);
    const bytes = new Map(storage.map((one) => [one.day, one.bytes]));
    // A period that ends with a day does not touch the next one.
    const count = Math.max(1, Math.ceil((to.getTime() - first.getTime()) / MS_PER_DAY));
    return Array.from({ length: count }, (_, at) => {
      const date = new Date(first.getTime() + at * MS_PER_DAY).toISOString().slice(0, 10);
      const used = toUsed(sumOf(days.filter(({ day }) => day === date)));
      return { date, ...used, storage_gb: (bytes.get(date) ?? 0) / BYTES_PER_GB };
    });
  }
}

/** The beginning of a day in UTC. */
export function startOfDay(time: Date): Date {
  return new Date(Date.parse(time.toISOString().slice(0, 10)));
}

export function sumOf(days: Used[]): Used {
  return days.reduce(
    (sum, { queries, operations, credits }) => ({
      queries: sum.queries + queries,
      operations: sum.operations + operations,
      credits: sum.credits + credits,
    }),
    { queries: 0, operations: 0, credits: 0 },
  );
}

export function toUsed({ queries, operations, credits }: Used): object {
  return { queries, operations, api_calls: queries + operations, credits_used: credits };
}
