import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { BackupsModule } from '../backups/backups.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { ChangeGraphTierProcessor } from './change-graph-tier.processor';
import { DeprovisionGraphProcessor } from './deprovision-graph.processor';
import { DueDeprovisioningSensor } from './due-deprovisioning.sensor';
import { ProvisioningController } from './provisioning.controller';
import { ChangeGraphTier, DeprovisionGraph } from './provisioning.operations';
import { ProvisioningRepository } from './provisioning.repository';
import { ProvisioningService } from './provisioning.service';

/** The tiers of graphs and the end of their life. */
@Module({
  imports: [AuditModule, BackupsModule, GraphsModule, JobsModule.forFeature([ChangeGraphTier, DeprovisionGraph])],
  controllers: [ProvisioningController],
  providers: [
    ProvisioningService,
    ProvisioningRepository,
    DueDeprovisioningSensor,
    ChangeGraphTierProcessor,
    DeprovisionGraphProcessor,
  ],
})
export class ProvisioningModule {}
