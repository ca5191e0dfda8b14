import { Module } from '@nestjs/common';
import { EngineModule } from '../engine/engine.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { StorageModule } from '../storage/storage.module';
import { ExecuteQueryProcessor } from './execute-query.processor';
import { AuditModule } from '../audit/audit.module';
import { StagingModule } from '../staging/staging.module';
import { ParquetAnswers } from './parquet-answers';
import { QueriesController } from './queries.controller';
import { QueriesService } from './queries.service';
import { QueryBoard } from './query-board';
import { QueryResultsController } from './query-results.controller';
import { ExecuteQuery } from './query-results.operations';
import { QueryResultsRepository } from './query-results.repository';
import { QueryResultsSensor } from './query-results.sensor';
import { QueryResultsService } from './query-results.service';
import { QueryStats } from './query-stats';
import { RunningQueries } from './running-queries';
import { RunningQueriesController } from './running-queries.controller';

@Module({
  imports: [
    AuditModule,
    EngineModule,
    GraphsModule,
    StagingModule,
    StorageModule,
    JobsModule.forFeature([ExecuteQuery]),
  ],
  controllers: [QueriesController, RunningQueriesController, QueryResultsController],
  providers: [
    QueriesService,
    QueryStats,
    RunningQueries,
    QueryBoard,
    ParquetAnswers,
    QueryResultsService,
    QueryResultsRepository,
    QueryResultsSensor,
    ExecuteQueryProcessor,
  ],
  exports: [QueryStats],
})
export class QueriesModule {}
