import { Controller, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { TellProvider } from './billing.operations';
import { ProviderNews } from './provider-news';

@ApiTags('Administration')
@Controller('v1/admin/subscriptions/:subscription_id')
@Requires('operator')
export class SubscriptionSyncController {
  constructor(private readonly news: ProviderNews) {}

  @Post('sync')
  @StartsOperation(TellProvider)
  @ApiOperation({ summary: 'Tell the payment provider once more what was decided: an end, or another plan' })
  async sync(@CurrentActor() actor: Actor, @Param('subscription_id') subscriptionId: string): Promise<object> {
    return toStartedDto(await this.news.request(actor, subscriptionId));
  }
}
