import { Injectable } from '@nestjs/common';
import { LimitsConfig } from './limits.config';
import { ContentTooLarge, FileCountReached } from './limits.errors';
import { DEFAULT_LIMITS, type Tier, type TierLimits, TIERS } from './tiers';

/** How much a graph would hold after a materialization. */
export interface Content {
  /** Rows by table. */
  nodes: Readonly<Record<string, number>>;
  relationships: Readonly<Record<string, number>>;
}

/** The one table of limits of this installation: what is enforced, and what is shown. */
@Injectable()
export class TierTable {
  private readonly table: Record<Tier, TierLimits>;

  constructor({ tierLimits }: LimitsConfig) {
    this.table = Object.fromEntries(
      TIERS.map((tier) => [tier, { ...DEFAULT_LIMITS[tier], ...tierLimits[tier] }]),
    ) as Record<Tier, TierLimits>;
  }

  /** The limits of a graph's tier. A tier that this version does not know counts as the smallest. */
  of(tier: string): TierLimits {
    return this.table[tier as Tier] ?? this.table[TIERS[0]];
  }

  /** Refuses content that is too much for a tier, with all figures that are. Throws {@link ContentTooLarge}. */
  requireContent(tier: string, content: Content): void {
    const limits = this.of(tier);
    const tables = { ...content.nodes, ...content.relationships };
    const exceeded = [
      { limit: 'nodes', allowed: limits.nodes, actual: sum(content.nodes) },
      { limit: 'relationships', allowed: limits.relationships, actual: sum(content.relationships) },
      ...Object.entries(tables).map(([table, actual]) => ({
        limit: 'rows_per_table',
        table,
        allowed: limits.rows_per_table,
        actual,
      })),
    ].filter(({ allowed, actual }) => actual > allowed);
    if (exceeded.length > 0) throw new ContentTooLarge(tier, exceeded);
  }

  /** Refuses one file more than a graph may have. Throws {@link FileCountReached}. */
  requireRoomForFile(tier: string, files: number): void {
    const { files_per_graph: allowed } = this.of(tier);
    if (files >= allowed) throw new FileCountReached(tier, allowed);
  }
}

function sum(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((total, count) => total + count, 0);
}
