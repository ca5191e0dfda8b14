import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { EngineModule } from '../engine/engine.module';
import { JobsModule } from '../jobs/jobs.module';
import { OrgsModule } from '../orgs/orgs.module';
import { CollectGenerationsSensor } from './collect-generations.sensor';
import { CreateGraphProcessor } from './create-graph.processor';
import { DeleteGraphProcessor } from './delete-graph.processor';
import { FirstGeneration } from './first-generation';
import { GenerationCollector } from './generation-collector';
import { GenerationsService } from './generations.service';
import { GraphCapacity } from './graph-capacity';
import { GraphCreationQueueSensor } from './graph-creation-queue.sensor';
import { GraphDeletion } from './graph-deletion';
import { GraphSuspension } from './graph-suspension';
import { GraphSuspensionController } from './graph-suspension.controller';
import { Generation, Graph } from './graph.entity';
import { GraphsController } from './graphs.controller';
import { CreateGraph, DeleteGraph } from './graphs.operations';
import { GraphsRepository } from './graphs.repository';
import { GraphsService } from './graphs.service';
import { LiveGraphs } from './live-graphs';

@Module({
  imports: [
    TypeOrmModule.forFeature([Graph, Generation]),
    AuditModule,
    EngineModule,
    OrgsModule,
    JobsModule.forFeature([CreateGraph, DeleteGraph]),
  ],
  controllers: [GraphsController, GraphSuspensionController],
  providers: [
    GraphsService,
    GraphsRepository,
    GenerationsService,
    GenerationCollector,
    FirstGeneration,
    GraphCapacity,
    GraphCreationQueueSensor,
    GraphDeletion,
    GraphSuspension,
    LiveGraphs,
    CollectGenerationsSensor,
    CreateGraphProcessor,
    DeleteGraphProcessor,
  ],
  exports: [
    GraphsService,
    GenerationsService,
    FirstGeneration,
    GraphCapacity,
    GraphDeletion,
    GraphSuspension,
    LiveGraphs,
  ],
})
export class GraphsModule {}
