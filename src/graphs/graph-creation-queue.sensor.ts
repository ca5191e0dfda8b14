import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';
import { type Tier, TIERS } from '../limits/tiers';
import { OperationsService } from '../operations/operations.service';
import { Sensor } from '../jobs/sensor';
import { GraphCapacity, placeIn } from './graph-capacity';
import { GraphsConfig } from './graphs.config';

const BATCH = 100;

/** Creates graphs that wait for a place in their tier when there is one, the oldest of each tier first. */
@Injectable()
export class GraphCreationQueueSensor extends Sensor {
  constructor(
    private readonly capacity: GraphCapacity,
    private readonly operations: OperationsService,
    private readonly transactor: Transactor,
    private readonly config: GraphsConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.queueSeconds * 1_000;
  }

  async look(): Promise<void> {
    for (const tier of TIERS) await this.admit(tier);
  }

  private async admit(tier: Tier): Promise<void> {
    for (const waiting of await this.operations.held(this.transactor.em, placeIn(tier), BATCH)) {
      try {
        if (!(await this.capacity.admit(tier, waiting))) return;
      } catch (error) {
        // It waits on as it did; it must not keep those behind it from their places.
        this.logger.error(`Cannot begin to create graph ${waiting.graphId}`, (error as Error).stack);
      }
    }
  }
}
