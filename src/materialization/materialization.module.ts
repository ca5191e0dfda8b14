import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { DagsterModule } from '../dagster/dagster.module';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { SchemasModule } from '../schemas/schemas.module';
import { StagingModule } from '../staging/staging.module';
import { DryRuns } from './dry-runs';
import { MaterializationController } from './materialization.controller';
import { MaterializationService } from './materialization.service';
import { MaterializationsRepository } from './materializations.repository';
import { LoadRows, MaterializeGraph } from './materialization.operations';
import { GenerationLoader } from './generation-loader';
import { IngestFilesSensor } from './ingest-files.sensor';
import { LoadRowsProcessor } from './load-rows.processor';
import { RowsController } from './rows.controller';
import { RowsService } from './rows.service';
import { StorageModule } from '../storage/storage.module';
import { MaterializeGraphProcessor } from './materialize-graph.processor';

@Module({
  imports: [
    AuditModule,
    DagsterModule,
    EngineModule,
    GraphsModule,
    SchemasModule,
    StagingModule,
    JobsModule.forFeature([MaterializeGraph, LoadRows]),
    StorageModule,
  ],
  controllers: [MaterializationController, RowsController],
  providers: [
    GenerationLoader,
    IngestFilesSensor,
    LoadRowsProcessor,
    RowsService,
    DryRuns,
    MaterializationService,
    MaterializationsRepository,
    MaterializeGraphProcessor,
  ],
})
export class MaterializationModule {}
