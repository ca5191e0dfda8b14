import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';
import { Sensor } from '../jobs/sensor';
import { ObjectStore } from '../storage/object-store';
import { ALL_GRAPHS, partIn, type PartName } from './staged-file.entity';
import { StagingConfig } from './staging.config';
import { StagingRepository } from './staging.repository';

const BATCH = 500;

/** Removes parts that no file has: their attempt was killed before it published them, and no other one came after it. */
@Injectable()
export class StagedPartsSensor extends Sensor {
  constructor(
    private readonly files: StagingRepository,
    private readonly objects: ObjectStore,
    private readonly transactor: Transactor,
    private readonly config: StagingConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.partSweepSeconds * 1_000;
  }

  async look(): Promise<void> {
    let batch: PartName[] = [];
    for await (const { key } of this.objects.list(ALL_GRAPHS)) {
      const part = partIn(key);
      if (part) batch.push(part);
      if (batch.length === BATCH) {
        await this.removeUnneeded(batch);
        batch = [];
      }
    }
    await this.removeUnneeded(batch);
  }

  private async removeUnneeded(parts: PartName[]): Promise<void> {
    if (parts.length === 0) return;
    const needed = await this.files.neededParts(this.transactor.em, parts);
    for (const { key } of parts) if (!needed.has(key)) await this.objects.delete(key);
  }
}
