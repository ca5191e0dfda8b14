import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import { AuditModule } from './audit/audit.module';
import { AuthConfig } from './auth/auth.config';
import { AuthModule } from './auth/auth.module';
import { BackupsConfig } from './backups/backups.config';
import { BackupsModule } from './backups/backups.module';
import { BillingConfig } from './billing/billing.config';
import { BillingModule } from './billing/billing.module';
import { RepositoriesModule } from './repositories/repositories.module';
import { CommonModule } from './common/common.module';
import { ProblemFilter } from './common/problem.filter';
import { ConfigModule } from './config/config.module';
import type { Environment } from './config/load-config';
import { PlatformConfig } from './config/platform.config';
import { DagsterConfig } from './dagster/dagster.config';
import { DagsterModule } from './dagster/dagster.module';
import { DatabaseConfig } from './database/database.config';
import { DatabaseModule } from './database/database.module';
import { EngineConfig } from './engine/engine.config';
import { EngineModule } from './engine/engine.module';
import { GraphsConfig } from './graphs/graphs.config';
import { GraphsModule } from './graphs/graphs.module';
import { IdempotencyModule } from './idempotency/idempotency.module';
import { JobsConfig } from './jobs/jobs.config';
import { JobsModule } from './jobs/jobs.module';
import { QueueConfig } from './jobs/queue.config';
import { LimitsConfig } from './limits/limits.config';
import { LimitsModule } from './limits/limits.module';
import { MaterializationModule } from './materialization/materialization.module';
import { OperationsConfig } from './operations/operations.config';
import { OperationsModule } from './operations/operations.module';
import { PreferWaitInterceptor } from './operations/prefer-wait.interceptor';
import { OrgsConfig } from './orgs/orgs.config';
import { OrgsModule } from './orgs/orgs.module';
import { QueriesConfig } from './queries/queries.config';
import { ProvisioningConfig } from './provisioning/provisioning.config';
import { ProvisioningModule } from './provisioning/provisioning.module';
import { QueriesModule } from './queries/queries.module';
import { RequestInterceptor } from './request.interceptor';
import { SchemasModule } from './schemas/schemas.module';
import { StagingConfig } from './staging/staging.config';
import { StagingModule } from './staging/staging.module';
import { StorageConfig } from './storage/storage.config';
import { StorageModule } from './storage/storage.module';
import { SubgraphsConfig } from './subgraphs/subgraphs.config';
import { SubgraphsModule } from './subgraphs/subgraphs.module';
import { TelemetryConfig } from './telemetry/telemetry.config';
import { TelemetryModule } from './telemetry/telemetry.module';
import { UsageModule } from './usage/usage.module';

/** Every class of settings: what `.env.example` lists and what a start validates. */
export const CONFIG_CLASSES = [
  PlatformConfig,
  DatabaseConfig,
  StorageConfig,
  AuthConfig,
  OrgsConfig,
  LimitsConfig,
  QueueConfig,
  OperationsConfig,
  JobsConfig,
  GraphsConfig,
  SubgraphsConfig,
  StagingConfig,
  QueriesConfig,
  BackupsConfig,
  BillingConfig,
  DagsterConfig,
  ProvisioningConfig,
  EngineConfig,
  TelemetryConfig,
];

/** The platform: every feature, in one process. Which of them act is decided by ROLES. */
@Module({})
export class AppModule {
  static forRoot(environment: Environment, databaseUrl: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(CONFIG_CLASSES, environment),
        CommonModule,
        DatabaseModule.forRoot(databaseUrl),
        AuditModule,
        AuthModule,
        LimitsModule,
        OrgsModule,
        IdempotencyModule,
        OperationsModule,
        JobsModule.forRoot(),
        StorageModule,
        EngineModule,
        GraphsModule,
        SchemasModule,
        StagingModule,
        DagsterModule,
        MaterializationModule,
        QueriesModule,
        BackupsModule,
        SubgraphsModule,
        RepositoriesModule,
        BillingModule,
        ProvisioningModule,
        UsageModule,
        TelemetryModule,
      ],
      providers: [
        { provide: APP_FILTER, useClass: ProblemFilter },
        PreferWaitInterceptor,
        { provide: APP_INTERCEPTOR, useClass: RequestInterceptor },
      ],
    };
  }
}
