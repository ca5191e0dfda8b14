import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import type { Operation } from '../operations/operation.entity';
import { BackupEndings } from './backup-endings';
import { BackupMaker } from './backup-maker';
import { type BackupManifest, total } from './backup-manifest';
import { BackupNotCompleted, BackupNotFound } from './backups.errors';
import { type BackupPayload, CreateBackup } from './backups.operations';
import { BackupsRepository } from './backups.repository';

/** The live data -> sealed into the object store -> read back, opened, counted -> completed. */
@Injectable()
@HandlesOperation(CreateBackup)
export class CreateBackupProcessor extends OperationProcessor<typeof CreateBackup> {
  constructor(
    private readonly maker: BackupMaker,
    private readonly backups: BackupsRepository,
    private readonly endings: BackupEndings,
    private readonly work: WorkDirectories,
  ) {
    super();
  }

  async run({ backupId }: BackupPayload, ctx: OperationContext): Promise<object> {
    return this.work.use(ctx, async (directory) => {
      const manifest = await this.maker.make(ctx, {
        backupId,
        directory,
        report: (percent, message) => ctx.progress(percent, message),
        alongside: (em, made) => ctx.keepResult(em, resultOf(made)),
      });
      return resultOf(manifest);
    });
  }

  protected override async afterFailureOrCancel(
    em: EntityManager,
    { backupId }: BackupPayload,
    ended: Operation,
  ): Promise<void> {
    await this.backups.fail(em, backupId, ended.error ?? null);
    await this.endings.noteFailure(em, ended, 'backup.creation_failed', backupId);
  }

  protected override async beforeRetry(
    em: EntityManager,
    { backupId }: BackupPayload,
    retry: Operation,
  ): Promise<void> {
    if (await this.backups.reopen(em, backupId, retry.id)) return;
    const found = await this.backups.get(backupId, em);
    throw found === null ? new BackupNotFound() : new BackupNotCompleted(found.status);
  }
}

function resultOf(manifest: BackupManifest): object {
  return {
    backup_id: manifest.backup_id,
    graph_id: manifest.graph_id,
    generation: manifest.generation,
    backup_format: manifest.format,
    original_size_bytes: manifest.content.bytes,
    compressed_size_bytes: manifest.stored.bytes,
    node_count: total(manifest.nodes),
    relationship_count: total(manifest.relationships),
    verified: true,
  };
}
