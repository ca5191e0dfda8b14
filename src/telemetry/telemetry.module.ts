import { Module } from '@nestjs/common';
import { DagsterModule } from '../dagster/dagster.module';
import { OperationsModule } from '../operations/operations.module';
import { DatabaseStates } from './database-state';
import { Metrics } from './metrics';
import { MetricsController } from './metrics.controller';
import { MetricsGuard } from './metrics.guard';
import { QueueDepths } from './queue-depths';
import { StatusController } from './status.controller';

/** How the platform is. */
@Module({
  imports: [DagsterModule, OperationsModule],
  controllers: [StatusController, MetricsController],
  providers: [DatabaseStates, Metrics, MetricsGuard, QueueDepths],
})
export class TelemetryModule {}
