import { Module } from '@nestjs/common';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { QueriesController } from './queries.controller';
import { QueriesService } from './queries.service';
import { QueryStats } from './query-stats';

@Module({
  imports: [EngineModule, GraphsModule],
  controllers: [QueriesController],
  providers: [QueriesService, QueryStats],
})
export class QueriesModule {}
