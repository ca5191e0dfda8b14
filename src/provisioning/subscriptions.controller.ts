import { Controller, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OrgAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentOrg } from '../auth/current';
import { Requires } from '../auth/requires';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { GraphFulfilment } from './graph-fulfilment';
import { ProvisionGraph, ProvisionRepository } from './provisioning.operations';

@ApiTags('billing')
@Controller('v1/billing/subscriptions/:org_id/subscription/:subscription_id')
export class SubscriptionProvisioningController {
  constructor(private readonly fulfilment: GraphFulfilment) {}

  @Post('provision')
  @StartsOperation([ProvisionGraph, ProvisionRepository])
  @Requires('org:admin')
  @ApiOperation({ summary: 'Try once more to make what was paid for, after that failed' })
  async tryAgain(
    @CurrentActor() actor: Actor,
    @CurrentOrg() org: OrgAccess,
    @Param('subscription_id') subscriptionId: string,
  ): Promise<object> {
    return toStartedDto(await this.fulfilment.tryAgain(actor, org.id, subscriptionId));
  }
}
