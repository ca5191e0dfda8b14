import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { GraphsModule } from '../graphs/graphs.module';
import { CreditAllocationSensor } from './credit-allocation.sensor';
import { CreditsController } from './credits.controller';
import { CreditsRepository } from './credits.repository';
import { CreditsService } from './credits.service';
import { StorageOverageSensor } from './storage-overage.sensor';

/** What graphs cost. */
@Module({
  imports: [AuditModule, GraphsModule],
  controllers: [CreditsController],
  providers: [CreditsService, CreditsRepository, CreditAllocationSensor, StorageOverageSensor],
  exports: [CreditsService],
})
export class BillingModule {}
