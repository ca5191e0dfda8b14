import { Injectable } from '@nestjs/common';
import { Sensor } from '../jobs/sensor';
import { ObjectStore } from '../storage/object-store';
import { ObjectSweep } from '../storage/object-sweep';
import { ALL_BACKUPS, backupIn } from './backup.entity';
import { BackupsConfig } from './backups.config';
import { BackupsRepository } from './backups.repository';

/** Removes stored bytes that no backup names and no operation is still writing: what crashes and deletions left. */
@Injectable()
export class BackupObjectsSensor extends Sensor {
  constructor(
    private readonly backups: BackupsRepository,
    private readonly objects: ObjectStore,
    private readonly config: BackupsConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.sweepSeconds * 1_000;
  }

  async look(): Promise<void> {
    const sweep = new ObjectSweep(this.objects, (found: NonNullable<ReturnType<typeof backupIn>>[]) =>
      this.backups.stillNeeded(found),
    );
    for await (const { key } of this.objects.list(ALL_BACKUPS)) {
      const found = backupIn(key);
      if (found) await sweep.add(found);
    }
    await sweep.finish();
  }
}
