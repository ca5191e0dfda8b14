import { Injectable } from '@nestjs/common';
import { DISPLAY_NAMES, type Tier, TIERS } from '../limits/tiers';
import { BillingConfig } from './billing.config';
import { PlanNotFound } from './billing.errors';
import type { Subscription } from './subscription.entity';

/** What can be subscribed to. */
export interface Plan {
  name: Tier;
  displayName: string;
  /** For a month. */
  priceCents: number;
}

/** The plans for graphs: one for each tier. Those of repositories are with these. */
@Injectable()
export class Plans {
  constructor(private readonly config: BillingConfig) {}

  get currency(): string {
    return this.config.currency;
  }

  all(): Plan[] {
    return TIERS.map((name) => this.get(name));
  }

  /** Throws {@link PlanNotFound}. */
  get(name: string): Plan {
    const tier = TIERS.find((one) => one === name);
    if (tier === undefined) throw new PlanNotFound(name);
    return { name: tier, displayName: DISPLAY_NAMES[tier].name, priceCents: this.config.prices[tier] };
  }

  /** Of what is subscribed to, for people: of a repository as it was called when it was ordered. */
  nameOf({ resourceType, planName, metadata }: Pick<Subscription, 'resourceType' | 'planName' | 'metadata'>): string {
    return resourceType === 'graph' ? this.get(planName).displayName : String(metadata.plan_display_name);
  }
}
