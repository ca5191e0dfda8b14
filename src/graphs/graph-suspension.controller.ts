import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { SuspendGraphDto } from './dto/suspend-graph.dto';
import { GraphSuspension } from './graph-suspension';
import type { Graph } from './graph.entity';

@ApiTags('Administration')
@Controller('v1/admin/graphs/:graph_id')
@Requires('operator')
export class GraphSuspensionController {
  constructor(private readonly suspension: GraphSuspension) {}

  @Post('suspend')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take a graph out of service: its data is kept, but neither read nor changed' })
  async suspend(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Body() { reason }: SuspendGraphDto,
  ): Promise<object> {
    return toServiceDto(await this.suspension.suspend(actor, graphId, reason));
  }

  @Post('resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Put a suspended graph back into service' })
  async resume(@CurrentActor() actor: Actor, @Param('graph_id') graphId: string): Promise<object> {
    return toServiceDto(await this.suspension.resume(actor, graphId));
  }
}

function toServiceDto({ id, status, suspendedAt, suspensionReason }: Graph): object {
  return {
    graph_id: id,
    status,
    suspended_at: suspendedAt?.toISOString() ?? null,
    suspension_reason: suspensionReason,
  };
}
