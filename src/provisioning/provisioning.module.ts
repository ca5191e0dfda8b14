import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { BackupsModule } from '../backups/backups.module';
import { BillingModule } from '../billing/billing.module';
import { GraphsModule } from '../graphs/graphs.module';
import { RepositoriesModule } from '../repositories/repositories.module';
import { JobsModule } from '../jobs/jobs.module';
import { ClaimedSubscriptions } from './claimed-subscriptions';
import { ChangeGraphTierProcessor } from './change-graph-tier.processor';
import { DeprovisionGraphProcessor } from './deprovision-graph.processor';
import { DueDeprovisioningSensor } from './due-deprovisioning.sensor';
import { EndedGrantsSensor } from './ended-grants.sensor';
import { EndedSubscriptionsSensor } from './ended-subscriptions.sensor';
import { GraphFulfilment } from './graph-fulfilment';
import { ProvisionGraphProcessor } from './provision-graph.processor';
import { ProvisionRepositoryProcessor } from './provision-repository.processor';
import { ProvisioningController } from './provisioning.controller';
import { ChangeGraphTier, DeprovisionGraph, ProvisionGraph, ProvisionRepository } from './provisioning.operations';
import { ProvisioningRepository } from './provisioning.repository';
import { ProvisioningService } from './provisioning.service';
import { StalledProvisioningSensor } from './stalled-provisioning.sensor';
import { SubscriptionProvisioningController } from './subscriptions.controller';

/** From a paid subscription to its graph; the tiers of graphs and the end of their life. */
@Module({
  imports: [
    AuditModule,
    BackupsModule,
    BillingModule,
    GraphsModule,
    RepositoriesModule,
    JobsModule.forFeature([ProvisionGraph, ProvisionRepository, ChangeGraphTier, DeprovisionGraph]),
  ],
  controllers: [ProvisioningController, SubscriptionProvisioningController],
  providers: [
    ProvisioningService,
    ProvisioningRepository,
    ClaimedSubscriptions,
    GraphFulfilment,
    DueDeprovisioningSensor,
    EndedGrantsSensor,
    EndedSubscriptionsSensor,
    StalledProvisioningSensor,
    ProvisionGraphProcessor,
    ProvisionRepositoryProcessor,
    ChangeGraphTierProcessor,
    DeprovisionGraphProcessor,
  ],
})
export class ProvisioningModule {}
