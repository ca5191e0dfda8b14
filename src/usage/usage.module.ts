import { Module } from '@nestjs/common';
import { LimitsController } from './limits.controller';

/** What graphs may use and what they use. */
@Module({
  controllers: [LimitsController],
})
export class UsageModule {}
