import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { StorageModule } from '../storage/storage.module';
import { StagingEngine } from './duckdb/staging-engine';
import { FilesController } from './files.controller';
import { FilesService } from './files.service';
import { RejectsController } from './rejects.controller';
import { RejectsRepository } from './rejects.repository';
import { RejectsService } from './rejects.service';
import { StageFileProcessor } from './stage-file.processor';
import { StagedPartsSensor } from './staged-parts.sensor';
import { StagedFile } from './staged-file.entity';
import { StageFile } from './staging.operations';
import { StagingRepository } from './staging.repository';
import { StagingService } from './staging.service';
import { TableQueriesService } from './table-queries.service';
import { TablesController } from './tables.controller';
import { UploadLinks } from './upload-links';
import { UploadsController } from './uploads.controller';
import { UploadStreams } from './upload-streams';

/** Staging tables: uploaded files, read and checked in processes of their own. The walk is in README.md. */
@Module({
  imports: [
    TypeOrmModule.forFeature([StagedFile]),
    AuditModule,
    EngineModule,
    GraphsModule,
    JobsModule.forFeature([StageFile]),
    StorageModule,
  ],
  controllers: [FilesController, UploadsController, TablesController, RejectsController],
  providers: [
    FilesService,
    RejectsRepository,
    RejectsService,
    StageFileProcessor,
    StagedPartsSensor,
    StagingEngine,
    StagingRepository,
    StagingService,
    TableQueriesService,
    UploadLinks,
    UploadStreams,
  ],
  exports: [StagingService],
})
export class StagingModule {}
