import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import type { Operation } from '../operations/operation.entity';
import { BackupChecks } from './backup-checks';
import { BackupEndings } from './backup-endings';
import { total } from './backup-manifest';
import { storedBackup } from './backups.service';
import { type BackupPayload, VerifyBackup } from './backups.operations';
import { BackupsRepository } from './backups.repository';

/** What a verification found to be wrong with the backup itself, and not on the way to it. */
const FAULTS = ['backup_damaged', 'backup_not_restorable', 'object_not_found'];

/** Reads a backup back, opens it and counts; what is found stands in its row. */
@Injectable()
@HandlesOperation(VerifyBackup)
export class VerifyBackupProcessor extends OperationProcessor<typeof VerifyBackup> {
  constructor(
    private readonly checks: BackupChecks,
    private readonly backups: BackupsRepository,
    private readonly endings: BackupEndings,
    private readonly work: WorkDirectories,
    private readonly clock: Clock,
  ) {
    super();
  }

  async run({ backupId }: BackupPayload, ctx: OperationContext): Promise<object> {
    const backup = storedBackup(await this.backups.get(backupId));
    ctx.progress(5, 'Reading the backup');
    await this.work.use(ctx, (directory) => this.checks.verify(backup, directory, ctx.signal));
    const { manifest } = backup;
    const result = {
      backup_id: backupId,
      graph_id: manifest.graph_id,
      verified: true,
      node_count: total(manifest.nodes),
      relationship_count: total(manifest.relationships),
    };
    await ctx.transaction(async (em) => {
      await this.backups.noteVerified(em, backupId, this.clock.now());
      await ctx.keepResult(em, result);
    });
    return result;
  }

  protected override async afterFailureOrCancel(
    em: EntityManager,
    { backupId }: BackupPayload,
    ended: Operation,
  ): Promise<void> {
    if (ended.error && FAULTS.includes(ended.error.code)) await this.backups.noteDamaged(em, backupId, ended.error);
    await this.endings.noteFailure(em, ended, 'backup.verification_failed', backupId);
  }
}
