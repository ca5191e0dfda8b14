import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';
import { Sensor } from '../jobs/sensor';
import { BillingConfig } from './billing.config';
import { BillingProvider } from './billing-provider';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/**
 * Tells the provider what was decided here: an end, or another plan. What it was told last is kept beside the
 * subscription, so what fails, or is cut off, is told again at the next look, with the same effect as once.
 */
@Injectable()
export class ProviderSyncSensor extends Sensor {
  constructor(
    private readonly provider: BillingProvider,
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly transactor: Transactor,
    private readonly config: BillingConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.providerSyncSeconds * 1_000;
  }

  async look(): Promise<void> {
    for (const { id, wanted } of await this.rows.notTold(this.config.provider)) {
      try {
        await this.tell(id, wanted);
      } catch (error) {
        // The others do not wait for it.
        this.logger.warn(`Subscription ${id}: ${(error as Error).message}`);
      }
    }
  }

  private async tell(id: string, wanted: string): Promise<void> {
    const subscription = await this.subscriptions.get(id);
    if (subscription.endsAt === null) await this.provider.changePlan(subscription);
    else await this.provider.cancel(subscription, subscription.endsAt);
    await this.transactor.run(async (em) => {
      await this.rows.update(em, id, { providerTold: wanted });
      await this.subscriptions.record(em, 'subscription.provider_told', subscription, { told: wanted });
    });
  }
}
