import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Sensor } from '../jobs/sensor';
import { BYTES_PER_GB } from '../limits/storage-usage';
import { TierTable } from '../limits/tier-table';
import { TIERS } from '../limits/tiers';
import { BillingConfig } from './billing.config';
import { CreditsRepository } from './credits.repository';
import { CreditsService } from './credits.service';

const CREDITS_PER_GB_DAY = 1;

/** Once a day (UTC) books what graphs take beyond the storage that their tier includes: all of it, or what credits are left. */
@Injectable()
export class StorageOverageSensor extends Sensor {
  constructor(
    private readonly service: CreditsService,
    private readonly credits: CreditsRepository,
    private readonly tiers: TierTable,
    private readonly config: BillingConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.overageSeconds * 1_000;
  }

  async look(): Promise<void> {
    const day = this.clock.now().toISOString().slice(0, 10);
    const idempotencyKey = `storage:${day}`;
    const least = Math.min(...TIERS.map((tier) => this.tiers.of(tier).included_storage_gb));
    for (const { graphId, tier, bytes } of await this.credits.larger(least * BYTES_PER_GB, idempotencyKey)) {
      const usedGb = bytes / BYTES_PER_GB;
      const includedGb = this.tiers.of(tier).included_storage_gb;
      if (usedGb <= includedGb) continue;
      await this.service.consume(
        graphId,
        {
          amount: (usedGb - includedGb) * CREDITS_PER_GB_DAY,
          idempotencyKey,
          description: `Storage of ${day} beyond the ${includedGb} GB that are included`,
          operationType: 'storage_overage',
          metadata: { day, used_gb: usedGb, included_gb: includedGb },
        },
        { upToBalance: true },
      );
    }
  }
}
