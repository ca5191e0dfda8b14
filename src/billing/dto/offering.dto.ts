import { ApiProperty } from '@nestjs/swagger';
import { DISPLAY_NAMES, TIERS } from '../../limits/tiers';
import type { TierTable } from '../../limits/tier-table';
import type { Repository } from '../../repositories/repository';
import type { Plans } from '../plans';

/** What an installation offers, in the words of the wire contract. AI is no part of it. */
export class OfferingResponse {
  @ApiProperty({ description: 'whether a graph needs a subscription' })
  billing_enabled: boolean;
  @ApiProperty({ type: 'object', additionalProperties: true })
  graph_subscriptions: object;
  @ApiProperty({ type: 'object', additionalProperties: true })
  repository_subscriptions: object;
  @ApiProperty({ type: 'object', additionalProperties: true })
  operation_costs: object;
  @ApiProperty({ type: 'object', additionalProperties: true })
  summary: object;
}

/** The plans with the limits that are enforced; prices in whole units of the currency. */
export function toOffering(
  plans: Plans,
  tiers: TierTable,
  repositories: Repository[],
  billingRequired: boolean,
): OfferingResponse {
  return {
    billing_enabled: billingRequired,
    graph_subscriptions: {
      description: 'A graph of its own, paid by the month',
      pricing_model: 'per_graph',
      currency: plans.currency,
      tiers: plans.all().map((plan) => toPlanDto(plan, tiers)),
      notes: billingRequired ? [] : ['Graphs can be made without a subscription here'],
    },
    repository_subscriptions: {
      description:
        repositories.length === 0 ? 'None are offered' : 'Graphs of others, to be read by all of an organisation',
      pricing_model: 'per_organisation',
      repositories: repositories.map((one) => toRepositoryInfoDto(one)),
      notes: [],
    },
    operation_costs: {
      description: 'Storage beyond what a tier includes costs credits; nothing else does',
      ai_operations: {},
      token_pricing: {},
      storage: { credits_per_gb_day: 1 },
      included_operations: ['queries', 'loading', 'subgraphs', 'backups', 'restores'],
      notes: [],
    },
    summary: {
      total_graph_tiers: TIERS.length,
      total_repositories: repositories.length,
      enabled_repositories: repositories.length,
      coming_soon_repositories: 0,
    },
  };
}

function toRepositoryInfoDto({ name, description, plans }: Repository): object {
  return {
    type: name,
    name,
    description: description ?? '',
    enabled: true,
    coming_soon: false,
    plans: plans.map((plan) => ({
      plan: plan.name,
      name: plan.displayName,
      monthly_price: plan.priceCents / 100,
      monthly_credits: plan.monthlyCredits,
      access_level: 'read',
      features: plan.features,
      rate_limits: null,
    })),
  };
}

function toPlanDto({ name, displayName, priceCents }: ReturnType<Plans['get']>, tiers: TierTable): object {
  const limits = tiers.of(name);
  return {
    name,
    display_name: displayName,
    description: DISPLAY_NAMES[name].description,
    monthly_price_per_graph: priceCents / 100,
    monthly_credits_per_graph: limits.monthly_credits,
    storage_included_gb: limits.included_storage_gb,
    storage_limit_gb: limits.storage_gb,
    infrastructure: 'A process of its own for each open graph',
    features: [
      `${limits.nodes} nodes and ${limits.relationships} relationships`,
      `${limits.max_subgraphs} subgraphs`,
      `queries of up to ${limits.query_timeout_seconds} s`,
    ],
    backup_retention_days: limits.backup_retention_days,
    priority_support: false,
    max_subgraphs: limits.max_subgraphs,
    api_rate_multiplier: limits.requests_per_minute / tiers.of(TIERS[0]).requests_per_minute,
    backend: 'ladybug',
  };
}
