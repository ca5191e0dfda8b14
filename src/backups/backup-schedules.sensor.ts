import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { errorBodyOf, type ErrorBody } from '../common/problem';
import { Transactor } from '../database/transactor';
import { Sensor } from '../jobs/sensor';
import type { BackupSchedule } from './backup-schedule.entity';
import { BackupSchedulesRepository } from './backup-schedules.repository';
import { BackupsConfig } from './backups.config';
import { ScheduledBackupAtWork } from './backups.errors';
import { BackupsService } from './backups.service';
import { nextRun } from './cron';

/**
 * Begins the backups that are due. A schedule's next time and its backup's operation are one commit under the lock of its
 * row, so that a time is kept once however many processes look; times that nobody was there for are one time.
 */
@Injectable()
export class BackupSchedulesSensor extends Sensor {
  constructor(
    private readonly schedules: BackupSchedulesRepository,
    private readonly backups: BackupsService,
    private readonly transactor: Transactor,
    private readonly config: BackupsConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.scheduleSeconds * 1_000;
  }

  async look(): Promise<void> {
    while (await this.transactor.run((em) => this.beginOne(em)));
  }

  /** False where none is due. */
  private async beginOne(em: EntityManager): Promise<boolean> {
    const now = this.clock.now();
    const schedule = await this.schedules.takeDue(em, now);
    if (schedule === null) return false;
    const begun = await this.begin(em, schedule);
    await this.schedules.update(em, schedule.id, {
      nextRunAt: nextRun(schedule.cron, schedule.timeZone, now),
      lastRunAt: now,
      ...('backupId' in begun ? { lastBackupId: begun.backupId, lastError: null } : { lastError: begun.error }),
    });
    return true;
  }

  /** What is refused is not tried again before the next time: a limit of the tier, or a backup that is still at work. */
  private async begin(
    em: EntityManager,
    schedule: BackupSchedule,
  ): Promise<{ backupId: string } | { error: ErrorBody }> {
    try {
      if (await this.schedules.isAtWork(em, schedule.id)) throw new ScheduledBackupAtWork();
      return { backupId: await this.backups.beginScheduled(em, schedule) };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      this.logger.warn(`Schedule ${schedule.id} of ${schedule.graphId}: ${error.message}`);
      return { error: errorBodyOf(error) };
    }
  }
}
