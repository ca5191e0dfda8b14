import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { StagingModule } from '../staging/staging.module';
import { DryRuns } from './dry-runs';
import { MaterializationController } from './materialization.controller';
import { MaterializationService } from './materialization.service';
import { MaterializationsRepository } from './materializations.repository';
import { MaterializeGraph } from './materialization.operations';
import { MaterializeGraphProcessor } from './materialize-graph.processor';

@Module({
  imports: [AuditModule, EngineModule, GraphsModule, StagingModule, JobsModule.forFeature([MaterializeGraph])],
  controllers: [MaterializationController],
  providers: [DryRuns, MaterializationService, MaterializationsRepository, MaterializeGraphProcessor],
})
export class MaterializationModule {}
