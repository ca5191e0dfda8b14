import { PartialType } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsOptional, Max, Min, ValidateBy } from 'class-validator';
import { Text } from '../../common/text';
import type { BackupSchedule } from '../backup-schedule.entity';
import { isCron, isTimeZone } from '../cron';

const IsCron = (): PropertyDecorator =>
  ValidateBy({
    name: 'cron',
    validator: {
      validate: isCron,
      defaultMessage: () =>
        'cron must be five fields with one space between them (minute, hour, day of month, month, day of week) that mean a time, such as "0 3 * * *"',
    },
  });

const IsZone = (): PropertyDecorator =>
  ValidateBy({
    name: 'timeZone',
    validator: {
      validate: isTimeZone,
      defaultMessage: () => 'time_zone must be a name of the IANA database, such as "Europe/Berlin"',
    },
  });

export class NewScheduleDto {
  @Text({ max: 100, trim: true })
  name: string;

  /** Five fields: minute, hour, day of the month, month, day of the week. */
  @IsCron()
  cron: string;

  @IsOptional()
  @IsZone()
  time_zone: string = 'UTC';

  /** Each backup is kept for as many days, or for as many as the tier allows if that is less. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(2_555)
  retention_days: number = 30;

  /** So many of its completed backups stay, the newest; without it, all until their days are over. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000)
  keep_count?: number | null;

  @IsOptional()
  @IsBoolean()
  paused: boolean = false;
}

class ScheduleFields {
  @Text({ max: 100, trim: true })
  name: string;

  @IsCron()
  cron: string;

  @IsZone()
  time_zone: string;

  @IsInt()
  @Min(1)
  @Max(2_555)
  retention_days: number;

  @IsInt()
  @Min(1)
  @Max(1_000)
  keep_count: number | null;

  @IsBoolean()
  paused: boolean;
}

/** What is not given stays as it is. */
export class ChangeScheduleDto extends PartialType(ScheduleFields) {}

export function toScheduleDto(schedule: BackupSchedule): object {
  return {
    schedule_id: schedule.id,
    graph_id: schedule.graphId,
    name: schedule.name,
    cron: schedule.cron,
    time_zone: schedule.timeZone,
    retention_days: schedule.retentionDays,
    keep_count: schedule.keepCount,
    paused: schedule.paused,
    created_at: schedule.createdAt.toISOString(),
    next_run_at: schedule.nextRunAt?.toISOString() ?? null,
    last_run_at: schedule.lastRunAt?.toISOString() ?? null,
    last_backup_id: schedule.lastBackupId,
    last_error: schedule.lastError,
  };
}
