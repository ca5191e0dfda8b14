import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { GraphsModule } from '../graphs/graphs.module';
import { JobsModule } from '../jobs/jobs.module';
import { OrgsModule } from '../orgs/orgs.module';
import { RepositoriesModule } from '../repositories/repositories.module';
import { Clock } from '../common/clock';
import { TellProvider } from './billing.operations';
import { BillingConfig } from './billing.config';
import { BillingProvider } from './billing-provider';
import { ManualProvider } from './manual-provider';
import { ProviderNews } from './provider-news';
import { ProviderSyncSensor } from './provider-sync.sensor';
import { StripeEvents } from './stripe-events';
import { StripeInvoices } from './stripe-invoices';
import { StripeProvider } from './stripe-provider';
import { StripeWebhookController } from './stripe-webhook.controller';
import { BillingController } from './billing.controller';
import { BillingCustomersRepository } from './billing-customers.repository';
import { CheckoutService } from './checkout.service';
import { GraphSubscriptionsController } from './graph-subscriptions.controller';
import { InvoicesController } from './invoices.controller';
import { InvoicesRepository } from './invoices.repository';
import { InvoicesService } from './invoices.service';
import { OfferingController } from './offering.controller';
import { Payments } from './payments';
import { RepositoryGrantsController } from './repository-grants.controller';
import { RefundsController } from './refunds.controller';
import { RenewalsSensor } from './renewals.sensor';
import { SubscriptionChanges } from './subscription-changes';
import { BillingCustomer } from './billing-customer.entity';
import { CreditAllocationSensor } from './credit-allocation.sensor';
import { CreditsController } from './credits.controller';
import { CreditsRepository } from './credits.repository';
import { CreditsService } from './credits.service';
import { DeletedGraphSubscriptions } from './deleted-graph-subscriptions';
import { Fulfilments } from './fulfilment';
import { Invoice } from './invoice.entity';
import { Plans } from './plans';
import { StorageOverageSensor } from './storage-overage.sensor';
import { Subscription } from './subscription.entity';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionSyncController } from './subscription-sync.controller';
import { TellProviderProcessor } from './tell-provider.processor';
import { SubscriptionsService } from './subscriptions.service';

/** What graphs cost, who pays, and what follows from it. What is paid for is made elsewhere, behind `Fulfilment`. */
@Module({
  imports: [
    TypeOrmModule.forFeature([BillingCustomer, Subscription, Invoice]),
    AuditModule,
    GraphsModule,
    JobsModule.forFeature([TellProvider]),
    OrgsModule,
    RepositoriesModule,
  ],
  controllers: [
    BillingController,
    GraphSubscriptionsController,
    InvoicesController,
    OfferingController,
    StripeWebhookController,
    CreditsController,
    RefundsController,
    RepositoryGrantsController,
    SubscriptionSyncController,
  ],
  providers: [
    CreditsService,
    CreditsRepository,
    CreditAllocationSensor,
    StorageOverageSensor,
    BillingCustomersRepository,
    CheckoutService,
    DeletedGraphSubscriptions,
    Fulfilments,
    InvoicesRepository,
    InvoicesService,
    Payments,
    ProviderNews,
    ProviderSyncSensor,
    TellProviderProcessor,
    RenewalsSensor,
    StripeEvents,
    StripeInvoices,
    {
      provide: BillingProvider,
      useFactory: (config: BillingConfig, clock: Clock) =>
        config.provider === 'stripe' ? new StripeProvider(config, clock) : new ManualProvider(),
      inject: [BillingConfig, Clock],
    },
    SubscriptionChanges,
    Plans,
    SubscriptionsRepository,
    SubscriptionsService,
  ],
  exports: [CreditsService, Fulfilments, Plans, SubscriptionsService],
})
export class BillingModule {}
