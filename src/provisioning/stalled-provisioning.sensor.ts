import { Injectable } from '@nestjs/common';
import { SubscriptionsService } from '../billing/subscriptions.service';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { Sensor } from '../jobs/sensor';
import { ProvisioningConfig } from './provisioning.config';
import { ProvisioningRepository, type Stalled } from './provisioning.repository';

const MS_PER_HOUR = 3_600_000;

/**
 * Gives up subscriptions whose graph could not be made and whose owners did not try again in time, and removes what is there
 * of graphs that nobody waits for any more.
 */
@Injectable()
export class StalledProvisioningSensor extends Sensor {
  constructor(
    private readonly rows: ProvisioningRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly graphs: GraphsService,
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
    const before = new Date(this.clock.now().getTime() - this.config.writeOffHours * MS_PER_HOUR);
    for (const stalled of await this.rows.stalled(before)) {
      try {
        await this.giveUp(stalled);
      } catch (error) {
        this.logger.error(`Cannot give up subscription ${stalled.id}`, (error as Error).stack);
      }
    }
    for (const graphId of await this.rows.abandoned()) {
      try {
        await this.transactor.run((em) => this.graphs.beginDeletion(em, null, graphId, { cascade: false }));
      } catch (error) {
        // Another process was faster.
        if (!(error instanceof DomainError)) throw error;
        this.logger.log(`${graphId} is not removed: ${error.message}`);
      }
    }
  }

  private async giveUp({ id, operationId, error }: Stalled): Promise<void> {
    const reason = error ?? { code: 'provisioning_failed', message: 'What was paid for could not be made' };
    // Does nothing where somebody tries again since it was found.
    await this.transactor.run((em) => this.subscriptions.writeOff(em, id, operationId, reason));
  }
}
