import { Module } from '@nestjs/common';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { AuditModule } from '../audit/audit.module';
import { QueriesController } from './queries.controller';
import { QueriesService } from './queries.service';
import { QueryBoard } from './query-board';
import { QueryStats } from './query-stats';
import { RunningQueries } from './running-queries';
import { RunningQueriesController } from './running-queries.controller';

@Module({
  imports: [AuditModule, EngineModule, GraphsModule],
  controllers: [QueriesController, RunningQueriesController],
  providers: [QueriesService, QueryStats, RunningQueries, QueryBoard],
  exports: [QueryStats],
})
export class QueriesModule {}
