import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { StorageModule } from '../storage/storage.module';
import { AbandonedUploadsSensor } from './abandoned-uploads.sensor';
import { StagingEngine } from './duckdb/staging-engine';
import { FileStatesService } from './file-states.service';
import { FilesController } from './files.controller';
import { FilesService } from './files.service';
import { GraphStanding } from './graph-standing';
import { Ingestion } from './ingestion';
import { PreviewsController } from './previews.controller';
import { PreviewsService } from './previews.service';
import { RejectsController } from './rejects.controller';
import { RejectsRepository } from './rejects.repository';
import { RejectsService } from './rejects.service';
import { StageFileProcessor } from './stage-file.processor';
import { StagedObjectsRepository } from './staged-objects.repository';
import { StagedParts } from './staged-parts';
import { StagedPartsSensor } from './staged-parts.sensor';
import { StagedFile } from './staged-file.entity';
import { StagingTable } from './staging-table.entity';
import { StageFile } from './staging.operations';
import { StagingRepository } from './staging.repository';
import { StagingService } from './staging.service';
import { TableQueriesService } from './table-queries.service';
import { TablesController } from './tables.controller';
import { TablesRepository } from './tables.repository';
import { TablesService } from './tables.service';
import { UploadLinks } from './upload-links';
import { UploadsController } from './uploads.controller';
import { UploadStreams } from './upload-streams';

/** Staging tables: uploaded files, read and checked in processes of their own. The walk is in README.md. */
@Module({
  imports: [
    TypeOrmModule.forFeature([StagedFile, StagingTable]),
    AuditModule,
    EngineModule,
    GraphsModule,
    JobsModule.forFeature([StageFile]),
    StorageModule,
  ],
  controllers: [FilesController, UploadsController, TablesController, PreviewsController, RejectsController],
  providers: [
    AbandonedUploadsSensor,
    FilesService,
    RejectsRepository,
    RejectsService,
    FileStatesService,
    GraphStanding,
    Ingestion,
    PreviewsService,
    StageFileProcessor,
    StagedObjectsRepository,
    StagedParts,
    StagedPartsSensor,
    StagingEngine,
    StagingRepository,
    StagingService,
    TableQueriesService,
    TablesRepository,
    TablesService,
    UploadLinks,
    UploadStreams,
  ],
  exports: [GraphStanding, Ingestion, StagedParts, StagingEngine, StagingService],
})
export class StagingModule {}
