import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { Sensor } from '../jobs/sensor';
import { ObjectStore } from '../storage/object-store';
import { objectPrefix } from './backup.entity';
import { BackupLimits } from './backup-limits';
import { BackupRetentionRepository, type ExpiredBackup } from './backup-retention.repository';
import { BackupsConfig } from './backups.config';

const BATCH = 100;

/** Removes backups whose time is over: the rows first, so that nobody finds one whose bytes are going. */
@Injectable()
export class BackupRetentionSensor extends Sensor {
  constructor(
    private readonly backups: BackupRetentionRepository,
    private readonly limits: BackupLimits,
    private readonly objects: ObjectStore,
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly config: BackupsConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.retentionSeconds * 1_000;
  }

  async look(): Promise<void> {
    let removed: ExpiredBackup[];
    do {
      removed = await this.removeSome();
      // What a crash leaves here belongs to no row, so the sweep of stored bytes finds it.
      for (const backup of removed) await this.objects.deletePrefix(objectPrefix(backup));
    } while (removed.length === BATCH);
  }

  private removeSome(): Promise<ExpiredBackup[]> {
    const { keepLast } = this.config;
    const daysByTier = this.limits.retentionDaysByTier();
    return this.transactor.run(async (em) => {
      const removed = await this.backups.removeExpired(em, {
        now: this.clock.now(),
        keepLast,
        daysByTier,
        limit: BATCH,
      });
      const entries = removed.map(({ id, graphId, orgId, kind }) => ({
        actor: null,
        action: 'backup.expired',
        target: id,
        orgId,
        details: { graph_id: graphId, kind },
      }));
      if (entries.length > 0) await this.audit.recordAll(em, entries);
      return removed;
    });
  }
}
