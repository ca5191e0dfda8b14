import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';
import { Sensor } from '../jobs/sensor';
import { ObjectStore } from '../storage/object-store';
import { RejectsRepository } from './rejects.repository';
import { ALL_GRAPHS, type MadeObject, madeObject } from './staged-file.entity';
import { StagingConfig } from './staging.config';
import { StagingRepository } from './staging.repository';

const BATCH = 500;

/**
 * Removes parts and rejected rows that nothing names: their attempt was killed before it published them, and no other one
 * came after it, or the rejects were kept long enough.
 */
@Injectable()
export class StagedPartsSensor extends Sensor {
  constructor(
    private readonly files: StagingRepository,
    private readonly rejects: RejectsRepository,
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
    await this.rejects.expire(this.config.rejectsRetentionDays);
    let batch: MadeObject[] = [];
    for await (const { key } of this.objects.list(ALL_GRAPHS)) {
      const made = madeObject(key);
      if (made) batch.push(made);
      if (batch.length === BATCH) {
        await this.removeUnneeded(batch);
        batch = [];
      }
    }
    await this.removeUnneeded(batch);
  }

  private async removeUnneeded(made: MadeObject[]): Promise<void> {
    if (made.length === 0) return;
    const needed = await this.files.neededObjects(this.transactor.em, made);
    for (const { key } of made) if (!needed.has(key)) await this.objects.delete(key);
  }
}
