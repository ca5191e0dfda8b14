import { Body, Controller, Delete, Get, Param, Patch, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { BackupSchedulesService } from './backup-schedules.service';
import { ChangeScheduleDto, NewScheduleDto, toScheduleDto } from './dto/backup-schedule.dto';

@ApiTags('backup')
@Controller('v1/graphs/:graph_id/backup-schedules')
export class BackupSchedulesController {
  constructor(private readonly schedules: BackupSchedulesService) {}

  @Post()
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Have backups made at set times' })
  async create(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Body() body: NewScheduleDto,
  ): Promise<object> {
    return toScheduleDto(await this.schedules.create(actor, graph, body));
  }

  @Get()
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'Schedules of backups, oldest first' })
  async list(@Param('graph_id') graphId: string): Promise<object> {
    const schedules = await this.schedules.list(graphId);
    return { graph_id: graphId, schedules: schedules.map(toScheduleDto) };
  }

  @Get(':schedule_id')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'One schedule, with when it is due next and how it went last' })
  async read(@Param('graph_id') graphId: string, @Param('schedule_id') id: string): Promise<object> {
    return toScheduleDto(await this.schedules.get(graphId, id));
  }

  @Patch(':schedule_id')
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Change a schedule, or pause it' })
  async change(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Param('schedule_id') id: string,
    @Body() body: ChangeScheduleDto,
  ): Promise<object> {
    return toScheduleDto(await this.schedules.change(actor, graphId, id, body));
  }

  @Delete(':schedule_id')
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Remove a schedule; the backups that it made stay' })
  async remove(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Param('schedule_id') id: string,
  ): Promise<object> {
    await this.schedules.remove(actor, graphId, id);
    return { schedule_id: id, graph_id: graphId, status: 'deleted' };
  }
}
