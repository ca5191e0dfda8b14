import { Injectable } from '@nestjs/common';
import type { EntityManager, QueryDeepPartialEntity } from 'typeorm';
import { Transactor } from '../database/transactor';
import { BackupSchedule } from './backup-schedule.entity';

/** Rows of schedules. */
@Injectable()
export class BackupSchedulesRepository {
  constructor(private readonly transactor: Transactor) {}

  async insert(em: EntityManager, schedule: BackupSchedule): Promise<void> {
    await em.insert(BackupSchedule, schedule as QueryDeepPartialEntity<BackupSchedule>);
  }

  async update(em: EntityManager, id: string, changes: Partial<BackupSchedule>): Promise<void> {
    await em.update(BackupSchedule, { id }, changes as QueryDeepPartialEntity<BackupSchedule>);
  }

  async remove(em: EntityManager, id: string): Promise<void> {
    await em.delete(BackupSchedule, { id });
  }

  /** Oldest first. */
  list(graphId: string, em: EntityManager = this.transactor.em): Promise<BackupSchedule[]> {
    return em.find(BackupSchedule, { where: { graphId }, order: { createdAt: 'ASC', id: 'ASC' } });
  }

  find(graphId: string, id: string): Promise<BackupSchedule | null> {
    return this.transactor.em.findOneBy(BackupSchedule, { id, graphId });
  }

  findLocked(em: EntityManager, graphId: string, id: string): Promise<BackupSchedule | null> {
    return em.findOne(BackupSchedule, { where: { id, graphId }, lock: { mode: 'pessimistic_write' } });
  }

  /** One that is due, of a graph that can be backed up, and that no other process has in hand. */
  async takeDue(em: EntityManager, now: Date): Promise<BackupSchedule | null> {
    const [due] = await em.query<{ id: string }[]>(
      `select s.id from backup_schedule s join graph g on g.id = s.graph_id
       where s.next_run_at <= $1 and not s.paused and g.status = 'active'
       order by s.next_run_at limit 1 for update of s skip locked`,
      [now],
    );
    return due === undefined ? null : em.findOneBy(BackupSchedule, { id: due.id });
  }

  /** Whether a backup of a schedule is being made. */
  async isAtWork(em: EntityManager, id: string): Promise<boolean> {
    const rows = await em.query<object[]>(
      `select 1 from backup where schedule_id = $1 and status = 'in_progress' limit 1`,
      [id],
    );
    return rows.length > 0;
  }
}
