import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { AddGraphMemberRequest, UpdateGraphMemberRequest } from './dto/org.dto';
import { GraphMembersService, type GraphMemberView } from './graph-members.service';

@ApiTags('Graph members')
@Controller('v1/graphs/:graph_id/members')
@Requires('graph:admin')
export class GraphMembersController {
  constructor(private readonly members: GraphMembersService) {}

  @Get()
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'List who may use the graph', operationId: 'listGraphMembers' })
  async list(@CurrentGraph() graph: GraphAccess) {
    const members = await this.members.list(graph);
    return { members, total: members.length, graph_id: graph.id };
  }

  @Post()
  @ApiOperation({ summary: 'Let a member of the organisation use the graph', operationId: 'addGraphMember' })
  add(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Body() body: AddGraphMemberRequest,
  ): Promise<GraphMemberView> {
    return this.members.add(actor, graph, body.user_id, body.role ?? 'member');
  }

  @Put(':user_id')
  @ApiOperation({ summary: 'Give a member another role in the graph', operationId: 'updateGraphMember' })
  changeRole(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Param('user_id') userId: string,
    @Body() body: UpdateGraphMemberRequest,
  ): Promise<GraphMemberView> {
    return this.members.changeRole(actor, graph, userId, body.role);
  }

  @Delete(':user_id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Take a member out of the graph', operationId: 'removeGraphMember' })
  remove(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Param('user_id') userId: string,
  ): Promise<void> {
    return this.members.remove(actor, graph, userId);
  }
}
