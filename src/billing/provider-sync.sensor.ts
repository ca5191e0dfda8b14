import { Injectable } from '@nestjs/common';
import { Sensor } from '../jobs/sensor';
import { OperationConflict } from '../operations/operations.errors';
import { BillingConfig } from './billing.config';
import { ProviderNews } from './provider-news';
import { SubscriptionsRepository } from './subscriptions.repository';

/** Finds what was decided about subscriptions and the provider has not been told, whoever decided it and whatever died since. */
@Injectable()
export class ProviderSyncSensor extends Sensor {
  constructor(
    private readonly news: ProviderNews,
    private readonly rows: SubscriptionsRepository,
    private readonly config: BillingConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.providerSyncSeconds * 1_000;
  }

  async look(): Promise<void> {
    for (const subscription of await this.rows.notTold(this.config.provider)) {
      await this.news.beginDue(subscription).catch((error: unknown) => {
        // It is being told.
        if (!(error instanceof OperationConflict)) throw error;
      });
    }
  }
}
