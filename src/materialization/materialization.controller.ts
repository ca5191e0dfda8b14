import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { Clock } from '../common/clock';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { MaterializeDto } from './dto/materialize.dto';
import { MaterializeGraph } from './materialization.operations';
import { MaterializationService } from './materialization.service';

@ApiTags('materialization')
@Controller('v1/graphs/:graph_id/materialize')
export class MaterializationController {
  constructor(
    private readonly materialization: MaterializationService,
    private readonly clock: Clock,
  ) {}

  /** 200 and not 202: the published client takes nothing else here. */
  @Post()
  @StartsOperation(MaterializeGraph, { status: 200 })
  @Requires('graph:member')
  @ApiOperation({ summary: 'Build the graph from everything that is staged; answers with the operation that does it' })
  async start(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Body() body: MaterializeDto,
  ): Promise<object> {
    const operation = await this.materialization.request(actor, graphId, body);
    return {
      ...toStartedDto(operation),
      graph_id: graphId,
      status: operation.status === 'pending' ? 'queued' : operation.status,
      limit_check: null,
    };
  }

  @Get()
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'Whether the graph holds what is staged' })
  status(@Param('graph_id') graphId: string): Promise<object> {
    return this.materialization.status(graphId, this.clock.now());
  }
}
