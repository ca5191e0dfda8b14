import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { Sensor } from '../jobs/sensor';
import { ProvisioningConfig } from './provisioning.config';
import { ProvisioningRepository } from './provisioning.repository';
import { ProvisioningService } from './provisioning.service';

const MS_PER_DAY = 86_400_000;

/** Begins to remove graphs that were suspended for as long as they are kept. One that is busy just then has its turn later. */
@Injectable()
export class DueDeprovisioningSensor extends Sensor {
  constructor(
    private readonly graphs: ProvisioningRepository,
    private readonly provisioning: ProvisioningService,
    private readonly config: ProvisioningConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.checkSeconds * 1_000;
  }

  async look(): Promise<void> {
    const { suspendedKeepDays: days } = this.config;
    if (days === 0) return;
    const before = new Date(this.clock.now().getTime() - days * MS_PER_DAY);
    for (const graphId of await this.graphs.suspendedSince(before)) {
      try {
        await this.provisioning.requestDeprovisioning(null, graphId);
      } catch (error) {
        // Resumed or taken by another process since it was found, or something still changes it.
        if (!(error instanceof DomainError)) throw error;
        this.logger.log(`${graphId} is not deprovisioned yet: ${error.message}`);
      }
    }
  }
}
