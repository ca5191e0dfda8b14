import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { RowsDto } from './dto/rows.dto';
import { LoadRows } from './materialization.operations';
import { RowsService } from './rows.service';

@ApiTags('materialization')
@Controller('v1/graphs/:graph_id/rows')
export class RowsController {
  constructor(private readonly rows: RowsService) {}

  @Post()
  @StartsOperation(LoadRows)
  @Requires('graph:member')
  @ApiOperation({ summary: 'Add a few nodes and relationships; nodes replace those with the same key' })
  async add(@CurrentActor() actor: Actor, @Param('graph_id') graphId: string, @Body() body: RowsDto): Promise<object> {
    return toStartedDto(await this.rows.request(actor, graphId, body));
  }
}
