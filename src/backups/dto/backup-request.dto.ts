import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  Equals,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { Text } from '../../common/text';
import { BACKUP_STATUSES, type BackupFormat, BACKUP_FORMATS, type BackupStatus } from '../backup.entity';
import { pageOf } from '../../common/page.dto';

const MOST_LABELS = 20;

export class CreateBackupDto {
  /** `full_dump`: the database as it is. The others hold a file of rows for each type, for other programs. */
  @ApiProperty({ enum: BACKUP_FORMATS })
  @IsOptional()
  @IsIn(BACKUP_FORMATS)
  backup_format: BackupFormat = 'full_dump';

  @ApiProperty({ enum: ['full'] })
  @IsOptional()
  @IsIn(['full'])
  backup_type: string = 'full';

  /** Kept for as many days, or for as many as the tier allows if that is less. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(2555)
  retention_days: number = 30;

  @IsOptional()
  @Equals(true, { message: 'backups are always compressed' })
  compression: boolean = true;

  /** Backups are always encrypted, whatever is said here. */
  @IsOptional()
  @IsBoolean()
  encryption: boolean = false;

  @IsOptional()
  @IsIn([null], { message: 'a single backup has no schedule' })
  @ApiPropertyOptional({ type: String, nullable: true, enum: [null] })
  schedule?: null;

  /** Words to find it by. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MOST_LABELS)
  @Text({ max: 100, trim: true, each: true })
  labels: string[] = [];
}

export class LabelBackupDto {
  @IsArray()
  @ArrayMaxSize(MOST_LABELS)
  @Text({ max: 100, trim: true, each: true })
  labels: string[];
}

export class RestoredGraphDto {
  @Text({ max: 255, trim: true })
  graph_name: string;

  @IsOptional()
  @Text({ max: 2_000, multiline: true })
  description?: string | null;
}

/** Where a backup of a deleted graph is restored: a new graph by its name, or another one of the organisation by its id. */
export class RecoveryDto {
  @ValidateIf(({ graph_id: id }: RecoveryDto) => id == null)
  @Text({ max: 255, trim: true })
  graph_name?: string;

  @IsOptional()
  @Text({ max: 2_000, multiline: true })
  description?: string | null;

  /** Puts it in the place of what is live there. */
  @IsOptional()
  @Text({ max: 255 })
  graph_id?: string | null;

  /** With `graph_id`: makes a backup of what is live first; if that fails, nothing is restored. */
  @IsOptional()
  @IsBoolean()
  create_system_backup: boolean = true;
}

export class RestoreBackupDto {
  /** Makes a backup of what is live first; if that fails, nothing is restored. */
  @IsOptional()
  @IsBoolean()
  create_system_backup: boolean = true;

  /** What is restored is opened and counted before it is published, whatever is said here. */
  @IsOptional()
  @IsBoolean()
  verify_after_restore: boolean = true;

  /** Restores into a new graph of the same organisation and tier, and leaves this one as it is. */
  @ApiProperty({ required: false, nullable: true, type: RestoredGraphDto })
  @IsOptional()
  @ValidateNested()
  @Type(() => RestoredGraphDto)
  new_graph?: RestoredGraphDto | null;
}

export class BackupPageQuery extends pageOf({ limit: 50, most: 100 }) {}

export class ListBackupsQuery extends BackupPageQuery {
  @IsOptional()
  @IsIn(BACKUP_STATUSES)
  status?: BackupStatus;

  @IsOptional()
  @IsIn(BACKUP_FORMATS)
  backup_format?: BackupFormat;

  @IsOptional()
  @Text({ max: 100 })
  label?: string;
}

export class DownloadBackupQuery {
  /** Seconds that the link is good for. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(300)
  @Max(86_400)
  expires_in: number = 3_600;
}
