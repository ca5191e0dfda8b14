import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { Ids, UUID } from '../common/ids';
import { Transactor } from '../database/transactor';
import { BackupSchedule } from './backup-schedule.entity';
import { BackupSchedulesRepository } from './backup-schedules.repository';
import { BackupScheduleNotFound, TooManyBackupSchedules } from './backups.errors';
import { BackupsRepository } from './backups.repository';
import { nextRun } from './cron';
import type { ChangeScheduleDto, NewScheduleDto } from './dto/backup-schedule.dto';

const MOST_PER_GRAPH = 10;

/** Schedules of backups, as people set them. Making what is due is the sensor's. */
@Injectable()
export class BackupSchedulesService {
  constructor(
    private readonly schedules: BackupSchedulesRepository,
    private readonly backups: BackupsRepository,
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** Throws {@link TooManyBackupSchedules}. */
  create(actor: Actor, graph: Pick<GraphAccess, 'id' | 'orgId'>, wanted: NewScheduleDto): Promise<BackupSchedule> {
    const now = this.clock.now();
    const { name, cron, time_zone: timeZone, retention_days: retentionDays, keep_count, paused } = wanted;
    const schedule: BackupSchedule = {
      id: this.ids.uuid(),
      graphId: graph.id,
      orgId: graph.orgId,
      name,
      cron,
      timeZone,
      retentionDays,
      keepCount: keep_count ?? null,
      paused,
      createdBy: actor.userId,
      createdAt: now,
      nextRunAt: paused ? null : nextRun(cron, timeZone, now),
      lastRunAt: null,
      lastBackupId: null,
      lastError: null,
    };
    return this.transactor.run(async (em) => {
      await this.backups.takeTurn(em, graph.id);
      if ((await this.schedules.list(graph.id, em)).length >= MOST_PER_GRAPH)
        throw new TooManyBackupSchedules(MOST_PER_GRAPH);
      await this.schedules.insert(em, schedule);
      await this.record(em, actor, 'backup_schedule.created', schedule);
      return schedule;
    });
  }

  /** Changes what is given. What was missed while it was paused is not made up for. Throws {@link BackupScheduleNotFound}. */
  change(actor: Actor, graphId: string, id: string, wanted: ChangeScheduleDto): Promise<BackupSchedule> {
    return this.transactor.run(async (em) => {
      const before = await this.locked(em, graphId, id);
      const changed: BackupSchedule = {
        ...before,
        name: wanted.name ?? before.name,
        cron: wanted.cron ?? before.cron,
        timeZone: wanted.time_zone ?? before.timeZone,
        retentionDays: wanted.retention_days ?? before.retentionDays,
        keepCount: wanted.keep_count === undefined ? before.keepCount : wanted.keep_count,
        paused: wanted.paused ?? before.paused,
      };
      const sameTimes = (['cron', 'timeZone', 'paused'] as const).every((field) => changed[field] === before[field]);
      const due = changed.paused ? null : nextRun(changed.cron, changed.timeZone, this.clock.now());
      const after = sameTimes ? changed : { ...changed, nextRunAt: due };
      await this.schedules.update(em, id, after);
      await this.record(em, actor, 'backup_schedule.changed', after);
      return after;
    });
  }

  /** The backups that it made stay. Throws {@link BackupScheduleNotFound}. */
  remove(actor: Actor, graphId: string, id: string): Promise<void> {
    return this.transactor.run(async (em) => {
      const schedule = await this.locked(em, graphId, id);
      await this.schedules.remove(em, id);
      await this.record(em, actor, 'backup_schedule.deleted', schedule);
    });
  }

  list(graphId: string): Promise<BackupSchedule[]> {
    return this.schedules.list(graphId);
  }

  /** Throws {@link BackupScheduleNotFound}; that of another graph is not found either. */
  async get(graphId: string, id: string): Promise<BackupSchedule> {
    const schedule = UUID.test(id) ? await this.schedules.find(graphId, id) : null;
    if (schedule === null) throw new BackupScheduleNotFound();
    return schedule;
  }

  private async locked(em: EntityManager, graphId: string, id: string): Promise<BackupSchedule> {
    const schedule = UUID.test(id) ? await this.schedules.findLocked(em, graphId, id) : null;
    if (schedule === null) throw new BackupScheduleNotFound();
    return schedule;
  }

  private record(em: EntityManager, actor: Actor, action: string, schedule: BackupSchedule): Promise<void> {
    const { id, graphId, orgId, cron, timeZone, paused } = schedule;
    const details = { graph_id: graphId, cron, time_zone: timeZone, paused };
    return this.audit.record(em, { actor, action, target: id, orgId, details });
  }
}
