import { Injectable } from '@nestjs/common';
import { SubscriptionsService } from '../billing/subscriptions.service';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { Sensor } from '../jobs/sensor';
import { ProvisioningConfig } from './provisioning.config';
import { ProvisioningRepository, type Stalled } from './provisioning.repository';

const MS_PER_HOUR = 3_600_000;

/** Gives up subscriptions whose graph could not be made and whose owners did not try again in time, and removes what is there. */
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
  }

  private async giveUp({ id, operationId, graphId, error }: Stalled): Promise<void> {
    await this.transactor.run(async (em) => {
      const reason = error ?? { code: 'provisioning_failed', message: 'The graph could not be made' };
      // Null where somebody tries again since it was found.
      if ((await this.subscriptions.writeOff(em, id, operationId, reason)) === null) return;
      if (graphId !== null) await this.graphs.beginDeletion(em, null, graphId, { cascade: false });
    });
  }
}
