import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OrgAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentOrg } from '../auth/current';
import { Requires } from '../auth/requires';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { BackupRetentionRepository } from './backup-retention.repository';
import { RestoreBackup } from './backups.operations';
import { toBackupDto } from './dto/backup.dto';
import { BackupPageQuery, RecoveryDto } from './dto/backup-request.dto';
import { RestoresService } from './restores.service';

/** Backups that outlived their graph, until their time is over. The graph has no roles any more, so the organisation's count. */
@ApiTags('backup')
@Controller('v1/orgs/:org_id/deleted-graphs/backups')
export class DeletedGraphBackupsController {
  constructor(
    private readonly restores: RestoresService,
    private readonly kept: BackupRetentionRepository,
  ) {}

  @Get()
  @Requires('org:admin')
  @ApiOperation({ summary: 'Backups of deleted graphs, newest first' })
  async list(@CurrentOrg() org: OrgAccess, @Query() page: BackupPageQuery): Promise<object> {
    const { backups, total } = await this.kept.ofDeletedGraphs(org.id, page);
    return { org_id: org.id, backups: backups.map(toBackupDto), total_count: total };
  }

  @Post(':backup_id/restore')
  @StartsOperation(RestoreBackup)
  @Requires('org:admin')
  @ApiOperation({
    summary: 'Put a backup of a deleted graph into a new graph, or into another one of the organisation',
  })
  async restore(
    @CurrentActor() actor: Actor,
    @CurrentOrg() org: OrgAccess,
    @Param('backup_id') backupId: string,
    @Body() body: RecoveryDto,
  ): Promise<object> {
    const { operation, systemBackupId } = await this.restores.requestRecovery(actor, org.id, backupId, body);
    return { ...toStartedDto(operation), backup_id: backupId, system_backup_id: systemBackupId };
  }
}
