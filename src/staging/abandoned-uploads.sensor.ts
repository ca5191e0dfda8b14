import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { Sensor } from '../jobs/sensor';
import { ObjectStore } from '../storage/object-store';
import { filePrefix } from './staged-file.entity';
import { type AbandonedFile, StagedObjectsRepository } from './staged-objects.repository';
import { StagingConfig } from './staging.config';

const BATCH = 500;

/** Forgets files that were announced and never came: their links have expired long ago, and they count as files. */
@Injectable()
export class AbandonedUploadsSensor extends Sensor {
  constructor(
    private readonly files: StagedObjectsRepository,
    private readonly objects: ObjectStore,
    private readonly audit: AuditService,
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
    const { pendingUploadHours, linkSeconds } = this.config;
    const before = new Date(this.clock.now().getTime() - (pendingUploadHours * 3_600 + linkSeconds) * 1_000);
    let removed: AbandonedFile[];
    do {
      removed = await this.removeSome(before);
      // An upload whose process was killed may have left its bytes.
      for (const file of removed) await this.objects.deletePrefix(filePrefix(file));
    } while (removed.length === BATCH);
  }

  private removeSome(before: Date): Promise<AbandonedFile[]> {
    return this.transactor.run(async (em) => {
      const files = await this.files.removePending(em, before, BATCH);
      const entries = files.map(({ id, orgId, graphId, tableName, fileName }) => ({
        actor: null,
        action: 'file.expired',
        target: id,
        orgId,
        details: { graph_id: graphId, file_name: fileName, table_name: tableName },
      }));
      await this.audit.recordAll(em, entries);
      return files;
    });
  }
}
