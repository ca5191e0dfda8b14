import { Global, Module } from '@nestjs/common';
import { RateBudgets } from './rate-budgets';
import { RateLimitInterceptor } from './rate-limit.interceptor';
import { StorageUsage } from './storage-usage';
import { TierTable } from './tier-table';

/** What graphs and organisations may use: one table, enforced here and by those who import it. */
@Global()
@Module({
  providers: [TierTable, StorageUsage, RateBudgets, RateLimitInterceptor],
  exports: [TierTable, StorageUsage, RateLimitInterceptor],
})
export class LimitsModule {}
