import { Injectable } from '@nestjs/common';
import { Sensor } from '../jobs/sensor';
import { GenerationCollector } from './generation-collector';
import { GraphsConfig } from './graphs.config';

/** Removes data files that nobody needs: old generations after their keep time, and what crashed builds left behind. */
@Injectable()
export class CollectGenerationsSensor extends Sensor {
  constructor(
    private readonly generations: GenerationCollector,
    private readonly config: GraphsConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.collectSeconds * 1_000;
  }

  async look(): Promise<void> {
    const removed = await this.generations.collect(this.config.keepHours, this.config.drainSeconds);
    if (removed > 0) this.logger.log(`Removed ${removed} data files that were no longer needed`);
  }
}
