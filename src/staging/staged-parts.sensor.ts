import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { Sensor } from '../jobs/sensor';
import { ObjectStore } from '../storage/object-store';
import { ObjectSweep } from '../storage/object-sweep';
import { RejectsRepository } from './rejects.repository';
import { ALL_GRAPHS, type MadeObject, madeObject, type SentObject, sentObject } from './staged-file.entity';
import { StagedObjectsRepository } from './staged-objects.repository';
import { StagingConfig } from './staging.config';

const MS_PER_HOUR = 3_600_000;

/**
 * Removes parts and rejected rows that nothing names: their attempt was killed before it published them, and no other one
 * came after it, or the rejects were kept long enough. And what was sent and is named by nothing: the API process was
 * killed after it had stored it.
 */
@Injectable()
export class StagedPartsSensor extends Sensor {
  constructor(
    private readonly files: StagedObjectsRepository,
    private readonly rejects: RejectsRepository,
    private readonly objects: ObjectStore,
    private readonly transactor: Transactor,
    private readonly config: StagingConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.partSweepSeconds * 1_000;
  }

  async look(): Promise<void> {
    await this.rejects.expire(this.config.rejectsRetentionDays);
    const old = new Date(this.clock.now().getTime() - this.config.strayUploadHours * MS_PER_HOUR);
    const { em } = this.transactor;
    const made = new ObjectSweep(this.objects, (found: MadeObject[]) => this.files.neededObjects(em, found));
    const sent = new ObjectSweep(this.objects, (found: SentObject[]) => this.files.neededUploads(em, found));
    for await (const { key, storedAt } of this.objects.list(ALL_GRAPHS)) {
      const byAttempt = madeObject(key);
      // What was sent just now may be named by a transaction that has not ended.
      const bySender = storedAt < old ? sentObject(key) : null;
      if (byAttempt) await made.add(byAttempt);
      if (bySender) await sent.add(bySender);
    }
    await made.finish();
    await sent.finish();
  }
}
