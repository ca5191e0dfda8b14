import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { Sensor } from '../jobs/sensor';
import { OperationConflict } from '../operations/operations.errors';
import { SubgraphsConfig } from './subgraphs.config';
import { SubgraphsRepository } from './subgraphs.repository';

/** Begins to delete subgraphs whose time is over. One that an operation is changing just then has its turn at a later look. */
@Injectable()
export class SubgraphExpirySensor extends Sensor {
  constructor(
    private readonly subgraphs: SubgraphsRepository,
    private readonly graphs: GraphsService,
    private readonly transactor: Transactor,
    private readonly config: SubgraphsConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.expirySeconds * 1_000;
  }

  async look(): Promise<void> {
    const now = this.clock.now();
    for (const graphId of await this.subgraphs.expired(now)) await this.remove(graphId, now);
  }

  private async remove(graphId: string, now: Date): Promise<void> {
    try {
      await this.transactor.run(async (em) => {
        // It may have been given more time, or be deleted by somebody else, since it was found.
        if (await this.subgraphs.lockExpired(em, graphId, now))
          await this.graphs.beginDeletion(em, null, graphId, { cascade: false });
      });
    } catch (error) {
      if (!(error instanceof OperationConflict)) throw error;
      this.logger.log(`${graphId} is over, and stays until what is changing it has ended`);
    }
  }
}
