import { Module } from '@nestjs/common';
import { BillingModule } from '../billing/billing.module';
import { GraphsModule } from '../graphs/graphs.module';
import { OrgsModule } from '../orgs/orgs.module';
import { QueriesModule } from '../queries/queries.module';
import { DailyTrend } from './daily-trend';
import { LimitsController } from './limits.controller';
import { OrgUsageController } from './org-usage.controller';
import { OrgUsageService } from './org-usage.service';
import { UsageController } from './usage.controller';
import { UsageRepository } from './usage.repository';
import { UsageService } from './usage.service';

/** What graphs may use and what they use. */
@Module({
  imports: [BillingModule, GraphsModule, OrgsModule, QueriesModule],
  controllers: [LimitsController, OrgUsageController, UsageController],
  providers: [DailyTrend, OrgUsageService, UsageService, UsageRepository],
})
export class UsageModule {}
