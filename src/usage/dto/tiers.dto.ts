import { ApiProperty } from '@nestjs/swagger';
import { IsBooleanString, IsOptional } from 'class-validator';
import type { TierTable } from '../../limits/tier-table';
import { DISPLAY_NAMES, type Tier, type TierLimits, TIERS } from '../../limits/tiers';
import { COPY_TIMEOUT_SECONDS } from './graph-limits.dto';

export class TiersQuery {
  /** Of the wire contract; every tier is enabled here. */
  @IsOptional()
  @IsBooleanString()
  include_disabled?: string;
}

export class AvailableGraphTiersResponse {
  @ApiProperty({ type: 'array', items: { type: 'object' } })
  tiers: object[];
}

/** A tier in the words of the wire contract, with the figures that are enforced. */
export function toTierInfo(
  tier: Tier,
  table: TierTable,
  { hostMemoryMb, priceCents }: { hostMemoryMb: number; priceCents: number },
): object {
  const limits = table.of(tier);
  const { name, description } = DISPLAY_NAMES[tier];
  return {
    tier,
    name,
    display_name: name,
    description,
    backend: 'ladybug',
    enabled: true,
    max_subgraphs: limits.max_subgraphs,
    storage_limit_gb: limits.storage_gb,
    monthly_credits: limits.monthly_credits,
    monthly_price: priceCents / 100,
    api_rate_multiplier: limits.requests_per_minute / table.of(TIERS[0]).requests_per_minute,
    features: featuresOf(limits),
    instance: { type: 'process', memory_mb: hostMemoryMb, is_multitenant: true },
    limits: {
      monthly_credits: limits.monthly_credits,
      slots: limits.slots,
      max_subgraphs: limits.max_subgraphs,
      storage_gb: limits.storage_gb,
      query_timeout_seconds: limits.query_timeout_seconds,
      requests_per_minute: limits.requests_per_minute,
      copy_operations: {
        max_file_size_gb: limits.max_file_mb / 1024,
        timeout_seconds: COPY_TIMEOUT_SECONDS,
        concurrent_operations: 1,
        max_files_per_operation: limits.files_per_graph,
        daily_copy_operations: limits.materializations_per_day,
      },
      backup: {
        max_backup_size_gb: limits.backup_gb,
        backup_retention_days: limits.backup_retention_days,
        max_backups_per_day: limits.backups_per_day,
      },
    },
  };
}

function featuresOf(limits: TierLimits): string[] {
  return [
    `${millions(limits.nodes)} million nodes and ${millions(limits.relationships)} million relationships`,
    `${limits.storage_gb} GB of storage`,
    `queries of up to ${limits.query_timeout_seconds} s`,
    `${limits.max_subgraphs} subgraphs`,
  ];
}

function millions(count: number): number {
  return Math.round(count / 100_000) / 10;
}
