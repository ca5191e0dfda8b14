import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { Transactor } from '../database/transactor';
import { GraphSuspension } from '../graphs/graph-suspension';
import { Sensor } from '../jobs/sensor';
import { ProvisioningConfig } from './provisioning.config';
import { ProvisioningRepository } from './provisioning.repository';

/** Suspends graphs whose subscription was cancelled, once its end has come. */
@Injectable()
export class EndedSubscriptionsSensor extends Sensor {
  constructor(
    private readonly rows: ProvisioningRepository,
    private readonly suspension: GraphSuspension,
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
    const now = this.clock.now();
    for (const { graphId, endsAt } of await this.rows.ended(now)) {
      const reason = `Its subscription ended on ${endsAt.toISOString()}`;
      try {
        await this.transactor.run(async (em) => {
          if (await this.rows.lockEnded(em, graphId, now)) await this.suspension.suspendIn(em, null, graphId, reason);
        });
      } catch (error) {
        // It is being deleted meanwhile.
        if (!(error instanceof DomainError)) throw error;
        this.logger.log(`${graphId} is not suspended: ${error.message}`);
      }
    }
  }
}
