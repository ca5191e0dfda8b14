import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { OrgsModule } from '../orgs/orgs.module';
import { SchemasModule } from '../schemas/schemas.module';
import { StagingModule } from '../staging/staging.module';
import { StorageModule } from '../storage/storage.module';
import { Backup } from './backup.entity';
import { BackupChecks } from './backup-checks';
import { BackupDownloadsController } from './backup-downloads.controller';
import { BackupDownloadsRepository } from './backup-downloads.repository';
import { BackupDownloadsService } from './backup-downloads.service';
import { BackupEndings } from './backup-endings';
import { BackupLimits } from './backup-limits';
import { BackupMaker } from './backup-maker';
import { BackupObjects } from './backup-objects';
import { BackupObjectsSensor } from './backup-objects.sensor';
import { BackupRetentionRepository } from './backup-retention.repository';
import { BackupRetentionSensor } from './backup-retention.sensor';
import { BackupSchedule } from './backup-schedule.entity';
import { BackupSchedulesController } from './backup-schedules.controller';
import { BackupSchedulesRepository } from './backup-schedules.repository';
import { BackupSchedulesSensor } from './backup-schedules.sensor';
import { BackupSchedulesService } from './backup-schedules.service';
import { BackupsController } from './backups.controller';
import { CreateBackup, RestoreBackup, VerifyBackup } from './backups.operations';
import { BackupsRepository } from './backups.repository';
import { BackupsService } from './backups.service';
import { CreateBackupProcessor } from './create-backup.processor';
import { DataKeys } from './data-keys';
import { DeletedGraphBackupsController } from './deleted-graph-backups.controller';
import { ExportImports } from './export-imports';
import { GraphExports } from './graph-exports';
import { MasterKeys } from './master-keys';
import { NewBackups } from './new-backups';
import { RestoreBackupProcessor } from './restore-backup.processor';
import { RestoresService } from './restores.service';
import { SystemBackups } from './system-backups';
import { VerifyBackupProcessor } from './verify-backup.processor';

/** Copies of graphs in the object store: encrypted, proven before they count, and restored without touching what is live. */
@Module({
  imports: [
    TypeOrmModule.forFeature([Backup, BackupSchedule]),
    AuditModule,
    EngineModule,
    GraphsModule,
    JobsModule.forFeature([CreateBackup, VerifyBackup, RestoreBackup]),
    OrgsModule,
    SchemasModule,
    StagingModule,
    StorageModule,
  ],
  controllers: [BackupsController, BackupDownloadsController, BackupSchedulesController, DeletedGraphBackupsController],
  providers: [
    BackupChecks,
    BackupDownloadsRepository,
    BackupDownloadsService,
    BackupEndings,
    BackupLimits,
    BackupMaker,
    BackupObjects,
    BackupObjectsSensor,
    BackupRetentionRepository,
    BackupRetentionSensor,
    BackupSchedulesRepository,
    BackupSchedulesSensor,
    BackupSchedulesService,
    BackupsRepository,
    BackupsService,
    CreateBackupProcessor,
    DataKeys,
    ExportImports,
    GraphExports,
    MasterKeys,
    NewBackups,
    RestoreBackupProcessor,
    RestoresService,
    SystemBackups,
    VerifyBackupProcessor,
  ],
  exports: [BackupsService, SystemBackups],
})
export class BackupsModule {}
