import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module';
import { AssetReportsRepository } from './asset-reports.repository';
import { AssetReportsSensor } from './asset-reports.sensor';
import { DagsterApi } from './dagster-api';
import { DagsterClient } from './dagster-client';
import { DagsterJobMonitorProcessor } from './dagster-job-monitor.processor';
import { DagsterJobsService } from './dagster-jobs.service';
import { DagsterJob } from './dagster.operations';
import { DagsterRunsRepository } from './dagster-runs.repository';
import { RunLauncher } from './run-launcher';
import { RunStopper } from './run-stopper';
import { RunWatcher } from './run-watcher';
import { SettleRunsSensor } from './settle-runs.sensor';

/** Work that runs as jobs in Dagster, and reports to it of what is done here. Off without `DAGSTER_URL`. */
@Module({
  imports: [JobsModule.forFeature([DagsterJob])],
  providers: [
    AssetReportsRepository,
    AssetReportsSensor,
    DagsterApi,
    DagsterClient,
    DagsterJobMonitorProcessor,
    DagsterJobsService,
    DagsterRunsRepository,
    RunLauncher,
    RunStopper,
    RunWatcher,
    SettleRunsSensor,
  ],
  exports: [AssetReportsSensor, DagsterJobsService],
})
export class DagsterModule {}
