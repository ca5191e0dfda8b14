import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { BackupDownloadsService } from './backup-downloads.service';
import { CreateBackup, RestoreBackup, VerifyBackup } from './backups.operations';
import { BackupsService } from './backups.service';
import { toBackupDetailDto, toBackupDto, toBackupStatsDto } from './dto/backup.dto';
import { CreateBackupDto, LabelBackupDto, ListBackupsQuery, RestoreBackupDto } from './dto/backup-request.dto';
import { RestoresService } from './restores.service';

@ApiTags('backup')
@Controller('v1/graphs/:graph_id/backups')
export class BackupsController {
  constructor(
    private readonly backups: BackupsService,
    private readonly restores: RestoresService,
    private readonly downloads: BackupDownloadsService,
  ) {}

  @Post()
  @StartsOperation(CreateBackup)
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Make a backup of what is live; it counts once it was read back, opened and counted' })
  async create(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Body() body: CreateBackupDto,
  ): Promise<object> {
    const { operation, backupId } = await this.backups.requestCreation(actor, graphId, body);
    return { ...toStartedDto(operation), backup_id: backupId };
  }

  @Get()
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'Backups of the graph, newest first, those that failed included' })
  async list(@CurrentGraph() graph: GraphAccess, @Query() query: ListBackupsQuery): Promise<object> {
    const { status, backup_format: format, label } = query;
    const { backups, total } = await this.backups.list(graph.id, { status, format, label }, query);
    const { limit, used, resetsAt } = await this.downloads.quota(graph);
    return {
      backups: backups.map(toBackupDto),
      total_count: total,
      graph_id: graph.id,
      is_shared_repository: false,
      download_quota: {
        limit_per_month: limit,
        used_this_month: used,
        remaining: Math.max(0, limit - used),
        resets_at: resetsAt.toISOString(),
      },
    };
  }

  @Get('stats')
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'How many backups there are, and what they take' })
  async stats(@Param('graph_id') graphId: string): Promise<object> {
    return toBackupStatsDto(graphId, await this.backups.stats(graphId));
  }

  @Get(':backup_id')
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'One backup, with what it holds' })
  async read(@Param('graph_id') graphId: string, @Param('backup_id') backupId: string): Promise<object> {
    return toBackupDetailDto(await this.backups.get(graphId, backupId));
  }

  @Patch(':backup_id')
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Give a backup other labels' })
  async label(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Param('backup_id') backupId: string,
    @Body() { labels }: LabelBackupDto,
  ): Promise<object> {
    return toBackupDto(await this.backups.setLabels(actor, graphId, backupId, labels));
  }

  @Delete(':backup_id')
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Remove a backup for good' })
  async remove(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Param('backup_id') backupId: string,
  ): Promise<object> {
    await this.backups.remove(actor, graphId, backupId);
    return { backup_id: backupId, graph_id: graphId, status: 'deleted' };
  }

  @Post(':backup_id/verify')
  @StartsOperation(VerifyBackup)
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Read a backup back, open it and count' })
  async verify(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Param('backup_id') backupId: string,
  ): Promise<object> {
    const operation = await this.backups.requestVerification(actor, graphId, backupId);
    return { ...toStartedDto(operation), backup_id: backupId };
  }

  @Post(':backup_id/restore')
  @StartsOperation(RestoreBackup)
  @Requires('graph:admin')
  @ApiOperation({
    summary: 'Put a backup in the place of what is live, or into a new graph; what was live can be taken back',
  })
  async restore(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Param('backup_id') backupId: string,
    @Body() body: RestoreBackupDto,
  ): Promise<object> {
    const { operation, systemBackupId } = await this.restores.requestRestore(actor, graphId, backupId, body);
    return { ...toStartedDto(operation), backup_id: backupId, system_backup_id: systemBackupId };
  }
}
