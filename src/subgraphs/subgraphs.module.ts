import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { CreateSubgraphProcessor } from './create-subgraph.processor';
import { SubgraphBirths } from './subgraph-births';
import { SubgraphRemovals } from './subgraph-removals';
import { SubgraphsController } from './subgraphs.controller';
import { CreateSubgraph } from './subgraphs.operations';
import { SubgraphsRepository } from './subgraphs.repository';
import { SubgraphsService } from './subgraphs.service';

@Module({
  imports: [AuditModule, EngineModule, GraphsModule, JobsModule.forFeature([CreateSubgraph])],
  controllers: [SubgraphsController],
  providers: [SubgraphsService, SubgraphsRepository, SubgraphBirths, SubgraphRemovals, CreateSubgraphProcessor],
})
export class SubgraphsModule {}
