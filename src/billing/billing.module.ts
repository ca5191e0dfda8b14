import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { GraphsModule } from '../graphs/graphs.module';
import { BillingCustomer } from './billing-customer.entity';
import { CreditAllocationSensor } from './credit-allocation.sensor';
import { CreditsController } from './credits.controller';
import { CreditsRepository } from './credits.repository';
import { CreditsService } from './credits.service';
import { Fulfilments } from './fulfilment';
import { Invoice } from './invoice.entity';
import { Plans } from './plans';
import { StorageOverageSensor } from './storage-overage.sensor';
import { Subscription } from './subscription.entity';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/** What graphs cost, who pays, and what follows from it. What is paid for is made elsewhere, behind `Fulfilment`. */
@Module({
  imports: [TypeOrmModule.forFeature([BillingCustomer, Subscription, Invoice]), AuditModule, GraphsModule],
  controllers: [CreditsController],
  providers: [
    CreditsService,
    CreditsRepository,
    CreditAllocationSensor,
    StorageOverageSensor,
    Fulfilments,
    Plans,
    SubscriptionsRepository,
    SubscriptionsService,
  ],
  exports: [CreditsService, Fulfilments, Plans, SubscriptionsService],
})
export class BillingModule {}
