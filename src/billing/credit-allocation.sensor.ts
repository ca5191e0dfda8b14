import { Injectable } from '@nestjs/common';
import { GraphNotFound } from '../auth/auth.errors';
import { Clock } from '../common/clock';
import { Sensor } from '../jobs/sensor';
import { BillingConfig } from './billing.config';
import { monthOf } from './credits';
import { CreditsRepository } from './credits.repository';
import { CreditsService } from './credits.service';

const BATCH = 500;

/** Gives every graph the credits of a month when it begins; whoever asks for them before does not have to wait for this. */
@Injectable()
export class CreditAllocationSensor extends Sensor {
  constructor(
    private readonly service: CreditsService,
    private readonly credits: CreditsRepository,
    private readonly config: BillingConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.creditsSeconds * 1_000;
  }

  async look(): Promise<void> {
    const month = monthOf(this.clock.now());
    let graphs: string[];
    do {
      graphs = await this.credits.withoutMonth(month, BATCH);
      for (const graphId of graphs) {
        await this.service.allocate(graphId).catch((error: unknown) => {
          // Deleted a moment ago.
          if (!(error instanceof GraphNotFound)) throw error;
        });
      }
    } while (graphs.length === BATCH);
  }
}
