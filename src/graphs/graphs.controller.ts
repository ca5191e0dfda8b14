import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { CreateGraphDto } from './dto/create-graph.dto';
import { DeleteGraphQuery } from './dto/delete-graph.dto';
import { GraphListQuery } from './dto/graph-list.dto';
import { toGraphInfoDto, toListedGraphDto } from './dto/graph.dto';
import { GraphsConfig } from './graphs.config';
import { SubscriptionRequired } from './graphs.errors';
import { CreateGraph, DeleteGraph } from './graphs.operations';
import { GraphsService } from './graphs.service';

@ApiTags('graphs')
@Controller('v1/graphs')
export class GraphsController {
  constructor(
    private readonly graphs: GraphsService,
    private readonly config: GraphsConfig,
  ) {}

  @Post()
  @StartsOperation(CreateGraph)
  @Requires('user')
  @ApiOperation({ summary: 'Create a graph; answers with the operation that does it' })
  async create(@CurrentActor() actor: Actor, @Body() body: CreateGraphDto): Promise<object> {
    if (this.config.billingRequired) throw new SubscriptionRequired();
    return toStartedDto(await this.graphs.requestCreation(actor, body));
  }

  @Get()
  @Requires('user')
  @ApiOperation({ summary: 'The graphs that you may use, newest first: all of them, or with limit a page' })
  async list(@CurrentActor() actor: Actor, @Query() page: GraphListQuery): Promise<object> {
    const { graphs, selected, nextCursor } = await this.graphs.list(actor, page);
    return {
      graphs: graphs.map((graph) => toListedGraphDto(graph, selected)),
      selectedGraphId: selected,
      ...(page.limit === undefined ? {} : { nextCursor }),
    };
  }

  @Post(':graph_id/select')
  @HttpCode(200)
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'Remember this graph as the one you work with' })
  async select(@CurrentActor() actor: Actor, @Param('graph_id') graphId: string): Promise<object> {
    await this.graphs.select(actor, graphId);
    return { success: true, message: `Selected graph ${graphId}`, data: { graph_id: graphId } };
  }

  @Get(':graph_id/info')
  @Requires('graph:reader', { whileSuspended: true })
  @ApiOperation({ summary: 'Size, counts and labels of the live generation' })
  async info(@Param('graph_id') graphId: string): Promise<object> {
    const [graph, live, backups] = await Promise.all([
      this.graphs.get(graphId),
      this.graphs.liveGeneration(graphId),
      this.graphs.backups(graphId),
    ]);
    return toGraphInfoDto(graph, live, backups, await this.graphs.queuePlace(graph));
  }

  @Delete(':graph_id')
  @StartsOperation(DeleteGraph)
  @Requires('graph:admin', { whileSuspended: true })
  @ApiOperation({ summary: 'Delete a graph with everything in it' })
  async remove(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Query() { cascade }: DeleteGraphQuery,
  ): Promise<object> {
    return toStartedDto(await this.graphs.requestDeletion(actor, graphId, { cascade: cascade === 'true' }));
  }
}
