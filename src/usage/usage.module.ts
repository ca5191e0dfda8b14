import { Module } from '@nestjs/common';
import { GraphsModule } from '../graphs/graphs.module';
import { QueriesModule } from '../queries/queries.module';
import { LimitsController } from './limits.controller';
import { UsageController } from './usage.controller';
import { UsageRepository } from './usage.repository';
import { UsageService } from './usage.service';

/** What graphs may use and what they use. */
@Module({
  imports: [GraphsModule, QueriesModule],
  controllers: [LimitsController, UsageController],
  providers: [UsageService, UsageRepository],
})
export class UsageModule {}
