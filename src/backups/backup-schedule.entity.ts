import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ErrorBody } from '../common/problem';

/** Makes backups of a graph at set times. */
@Entity('backup_schedule')
export class BackupSchedule {
  @PrimaryColumn('uuid')
  readonly id: string;

  @Column('text', { name: 'graph_id' })
  readonly graphId: string;

  @Column('uuid', { name: 'org_id' })
  readonly orgId: string;

  @Column('text')
  readonly name: string;

  @Column('text')
  readonly cron: string;

  @Column('text', { name: 'time_zone' })
  readonly timeZone: string;

  @Column('integer', { name: 'retention_days' })
  readonly retentionDays: number;

  /** How many of its completed backups stay; null for as many as there are. */
  @Column('integer', { name: 'keep_count', nullable: true })
  readonly keepCount: number | null;

  @Column('boolean')
  readonly paused: boolean;

  @Column('uuid', { name: 'created_by' })
  readonly createdBy: string;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;

  /** Null while it is paused. */
  @Column('timestamptz', { name: 'next_run_at', nullable: true })
  readonly nextRunAt: Date | null;

  @Column('timestamptz', { name: 'last_run_at', nullable: true })
  readonly lastRunAt: Date | null;

  @Column('uuid', { name: 'last_backup_id', nullable: true })
  readonly lastBackupId: string | null;

  /** Why the last time it was due there was no backup. */
  @Column('jsonb', { name: 'last_error', nullable: true })
  readonly lastError: ErrorBody | null;
}
