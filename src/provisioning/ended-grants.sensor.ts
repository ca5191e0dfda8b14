import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { Sensor } from '../jobs/sensor';
import { RepositoriesService } from '../repositories/repositories.service';
import { ProvisioningConfig } from './provisioning.config';
import { ProvisioningRepository } from './provisioning.repository';

/** Ends the reading of repositories whose subscription is over. */
@Injectable()
export class EndedGrantsSensor extends Sensor {
  constructor(
    private readonly rows: ProvisioningRepository,
    private readonly repositories: RepositoriesService,
    private readonly transactor: Transactor,
    private readonly config: ProvisioningConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.checkSeconds * 1_000;
  }

  async look(): Promise<void> {
    for (const subscriptionId of await this.rows.endedGrants(this.clock.now())) {
      try {
        await this.transactor.run((em) => this.repositories.revoke(em, null, subscriptionId));
      } catch (error) {
        // The others have their turn all the same.
        this.logger.error(`Cannot end what subscription ${subscriptionId} grants`, (error as Error).stack);
      }
    }
  }
}
