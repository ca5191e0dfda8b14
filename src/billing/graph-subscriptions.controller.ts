import { Body, Controller, Get, Param, Patch, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { RepositoriesService } from '../repositories/repositories.service';
import { SubscriptionNotFound } from './billing.errors';
import { CheckoutService } from './checkout.service';
import { ChangePlanDto, CreateSubscriptionDto, toSubscriptionDto } from './dto/subscription.dto';
import { Plans } from './plans';
import { SubscriptionChanges } from './subscription-changes';
import { SubscriptionsService } from './subscriptions.service';

@ApiTags('billing')
@Controller('v1/graphs/:graph_id/subscriptions')
export class GraphSubscriptionsController {
  constructor(
    private readonly subscriptions: SubscriptionsService,
    private readonly changes: SubscriptionChanges,
    private readonly checkouts: CheckoutService,
    private readonly plans: Plans,
    private readonly repositories: RepositoriesService,
  ) {}

  @Get()
  @Requires('graph:reader', { whileSuspended: true })
  @ApiOperation({ summary: "The graph's subscription, or by which you read it; 404 where it was made without one" })
  async read(@CurrentActor() actor: Actor, @CurrentGraph() graph: GraphAccess): Promise<object> {
    const grant = graph.role === 'reader' ? await this.repositories.grantFor(actor.userId, graph.id) : null;
    const found =
      grant === null
        ? await this.subscriptions.findOfResource(graph.orgId, 'graph', graph.id)
        : await this.subscriptions.get(grant.subscriptionId);
    if (found === null) throw new SubscriptionNotFound();
    return toSubscriptionDto(found, this.plans);
  }

  @Post()
  @Requires('user', { scope: 'admin' })
  @ApiOperation({
    summary: 'Subscribe to a shared repository, named by its name or graph; a graph is ordered at the checkout',
  })
  async create(
    @CurrentActor() actor: Actor,
    @Param('graph_id') repository: string,
    @Body() { plan_name, org_id }: CreateSubscriptionDto,
  ): Promise<object> {
    const resource_config = { repository, org_id };
    const order = { plan_name, resource_type: 'repository', resource_config } as const;
    const { subscription, url } = await this.checkouts.order(actor, order);
    return { ...toSubscriptionDto(subscription, this.plans), checkout_url: url };
  }

  @Patch()
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Move the graph to another tier, as an owner; operation_id is that of the move' })
  async changePlan(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Body() { new_plan_name }: ChangePlanDto,
  ): Promise<object> {
    const { subscription, operationId } = await this.changes.changePlan(actor, graph, new_plan_name);
    return toSubscriptionDto(subscription, this.plans, operationId);
  }
}
