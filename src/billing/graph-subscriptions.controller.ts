import { Body, Controller, Get, Patch, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { NotOffered, SubscriptionNotFound } from './billing.errors';
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
    private readonly plans: Plans,
  ) {}

  @Get()
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: "The graph's subscription; 404 where it was made without one" })
  async read(@CurrentGraph() graph: GraphAccess): Promise<object> {
    const found = await this.subscriptions.findOfResource(graph.orgId, 'graph', graph.id);
    if (found === null) throw new SubscriptionNotFound();
    return toSubscriptionDto(found, this.plans);
  }

  @Post()
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Subscribe to a shared repository; 400 for a graph, which is ordered at the checkout' })
  create(@Body() _: CreateSubscriptionDto): never {
    throw new NotOffered();
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
