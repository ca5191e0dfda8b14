import { Injectable } from '@nestjs/common';
import { Sensor } from '../jobs/sensor';
import { ObjectStore } from '../storage/object-store';
import { ALL_BACKUPS, backupIn } from './backup.entity';
import { BackupsConfig } from './backups.config';
import { BackupsRepository } from './backups.repository';

const BATCH = 500;

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
    let batch: NonNullable<ReturnType<typeof backupIn>>[] = [];
    for await (const { key } of this.objects.list(ALL_BACKUPS)) {
      const found = backupIn(key);
      if (found === null) continue;
      batch.push(found);
      if (batch.length === BATCH) {
        await this.removeUnneeded(batch);
        batch = [];
      }
    }
    await this.removeUnneeded(batch);
  }

  private async removeUnneeded(found: { key: string; backupId: string; operationId: string }[]): Promise<void> {
    if (found.length === 0) return;
    const needed = await this.backups.stillNeeded(found);
    for (const { key } of found) if (!needed.has(key)) await this.objects.delete(key);
  }
}
