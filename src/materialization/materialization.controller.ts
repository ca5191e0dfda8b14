import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { Clock } from '../common/clock';
import { DagsterJob } from '../dagster/dagster.operations';
import { OperationDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { DryRunDto, toDryRunDto } from './dto/dry-run.dto';
import { ListMaterializationsQuery, RollbackDto, toMaterializationDto } from './dto/materialization-history.dto';
import {
  MaterializeDto,
  MaterializeQuery,
  StartedMaterializationDto,
  toStartedMaterializationDto,
} from './dto/materialize.dto';
import { MaterializeGraph } from './materialization.operations';
import { MaterializationService } from './materialization.service';

@ApiTags('materialization')
@Controller('v1/graphs/:graph_id')
export class MaterializationController {
  constructor(
    private readonly materialization: MaterializationService,
    private readonly clock: Clock,
  ) {}

  /** 200 and not 202: the published client takes nothing else here. */
  @Post('materialize')
  @StartsOperation([MaterializeGraph, DagsterJob], {
    status: 200,
    answer: [StartedMaterializationDto, OperationDto, DryRunDto],
  })
  @Requires('graph:member')
  @ApiOperation({ summary: 'Bring the graph up to date with what is staged; answers with the operation that does it' })
  async start(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Query() { runner }: MaterializeQuery,
    @Body() body: MaterializeDto,
  ): Promise<StartedMaterializationDto | DryRunDto> {
    if (body.dry_run) return toDryRunDto(await this.materialization.dryRun(graphId, body));
    const operation = await this.materialization.request(actor, graphId, body, runner);
    return toStartedMaterializationDto(operation);
  }

  @Get('materialize')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'Whether the graph holds what is staged' })
  status(@Param('graph_id') graphId: string): Promise<object> {
    return this.materialization.status(graphId, this.clock.now());
  }

  @Get('materializations')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'What was published when, from which files, newest first' })
  async list(@Param('graph_id') graphId: string, @Query() page: ListMaterializationsQuery): Promise<object> {
    const { materializations, total } = await this.materialization.history(graphId, page);
    return { graph_id: graphId, materializations: materializations.map(toMaterializationDto), total, ...page };
  }

  @Post('rollback')
  @HttpCode(200)
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Take the last publish back: the data from before it is live again, at once' })
  async takeBack(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Body() { generation }: RollbackDto,
  ): Promise<object> {
    const { from, to } = await this.materialization.takeBack(actor, graphId, generation ?? undefined);
    return {
      graph_id: graphId,
      generation: to.number,
      taken_back: from.number,
      message: `Generation ${from.number} was taken back; generation ${to.number} is live again`,
    };
  }
}
