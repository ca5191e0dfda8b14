import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { BackupsModule } from '../backups/backups.module';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { StagingModule } from '../staging/staging.module';
import { CreateSubgraphProcessor } from './create-subgraph.processor';
import { DeleteSubgraphProcessor } from './delete-subgraph.processor';
import { ForkSubgraphProcessor } from './fork-subgraph.processor';
import { ResetSubgraphProcessor } from './reset-subgraph.processor';
import { SubgraphBirths } from './subgraph-births';
import { SubgraphExpirySensor } from './subgraph-expiry.sensor';
import { SubgraphForks } from './subgraph-forks';
import { SubgraphRemovals } from './subgraph-removals';
import { SubgraphsController } from './subgraphs.controller';
import { CreateSubgraph, DeleteSubgraph, ForkSubgraph, ResetSubgraph } from './subgraphs.operations';
import { SubgraphsRepository } from './subgraphs.repository';
import { SubgraphsService } from './subgraphs.service';

@Module({
  imports: [
    AuditModule,
    BackupsModule,
    EngineModule,
    GraphsModule,
    JobsModule.forFeature([CreateSubgraph, ForkSubgraph, ResetSubgraph, DeleteSubgraph]),
    StagingModule,
  ],
  controllers: [SubgraphsController],
  providers: [
    SubgraphsService,
    SubgraphsRepository,
    SubgraphBirths,
    SubgraphForks,
    SubgraphRemovals,
    SubgraphExpirySensor,
    CreateSubgraphProcessor,
    DeleteSubgraphProcessor,
    ForkSubgraphProcessor,
    ResetSubgraphProcessor,
  ],
})
export class SubgraphsModule {}
