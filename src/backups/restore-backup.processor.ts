import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { DomainError } from '../common/domain-error';
import { PlatformConfig } from '../config/platform.config';
import type { GenerationManifest } from '../engine/graph-engine';
import { type Build, GenerationsService } from '../graphs/generations.service';
import { GraphCapacity } from '../graphs/graph-capacity';
import { GraphNotReady } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import { TierTable } from '../limits/tier-table';
import type { Operation } from '../operations/operation.entity';
import { StaleAttemptError } from '../operations/operations.errors';
import { SchemasService } from '../schemas/schemas.service';
import { GraphStanding } from '../staging/graph-standing';
import { BackupChecks } from './backup-checks';
import { BackupEndings } from './backup-endings';
import { total } from './backup-manifest';
import type { StoredBackup } from './backup-objects';
import { RestoreFailed } from './backups.errors';
import { RestoreBackup, type RestoreBackupPayload } from './backups.operations';
import { BackupsRepository } from './backups.repository';
import { storedBackup } from './backups.service';
import { ExportImports } from './export-imports';
import { SystemBackups } from './system-backups';

/** What is live is backed up -> the backup is fetched, proven, opened and counted beside it -> published in its place. */
@Injectable()
@HandlesOperation(RestoreBackup)
export class RestoreBackupProcessor extends OperationProcessor<typeof RestoreBackup> {
  constructor(
    private readonly standing: GraphStanding,
    private readonly graphs: GraphsService,
    private readonly capacity: GraphCapacity,
    private readonly generations: GenerationsService,
    private readonly schemas: SchemasService,
    private readonly tiers: TierTable,
    private readonly backups: BackupsRepository,
    private readonly systemBackups: SystemBackups,
    private readonly checks: BackupChecks,
    private readonly endings: BackupEndings,
    private readonly imports: ExportImports,
    private readonly audit: AuditService,
    private readonly work: WorkDirectories,
    private readonly platform: PlatformConfig,
  ) {
    super();
  }

  async run(payload: RestoreBackupPayload, ctx: OperationContext): Promise<object> {
    let step = 'finding the backup';
    const enter = (percent: number, next: string): void => {
      step = next;
      ctx.progress(percent, next);
    };
    try {
      return await this.restore(payload, ctx, enter);
    } catch (error) {
      const told = error instanceof DomainError && !(error instanceof StaleAttemptError) && !error.retryable;
      throw told && !ctx.signal.aborted ? new RestoreFailed(step, error) : error;
    }
  }

  private async restore(
    { backupId, systemBackupId }: RestoreBackupPayload,
    ctx: OperationContext,
    enter: (percent: number, step: string) => void,
  ): Promise<object> {
    const graphId = ctx.graphId!;
    const backup = storedBackup(await this.backups.get(backupId));
    if (systemBackupId !== undefined) {
      enter(2, 'Backing up what is live');
      await this.systemBackups.make(ctx, systemBackupId, (percent, message) =>
        ctx.progress(2 + (percent / 100) * 38, message),
      );
    }
    enter(40, 'Reading, decrypting and opening the backup');
    const build = await this.generations.begin(ctx, graphId);
    const manifest =
      backup.manifest.format === 'full_dump'
        ? await this.checks.open(backup, build, { signal: ctx.signal, keepOpen: this.platform.has('engine') })
        : await this.work.use(ctx, (directory) =>
            this.imports.build(backup, build, {
              directory,
              signal: ctx.signal,
              onProgress: (percent, message) => ctx.progress(40 + percent * 0.55, message),
            }),
          );
    this.tiers.requireContent((await this.graphs.get(graphId)).tier, manifest);
    enter(95, 'Publishing');
    const result = {
      graph_id: graphId,
      backup_id: backupId,
      system_backup_id: systemBackupId ?? null,
      generation: build.generation,
      previous_generation: build.live?.generation ?? null,
      node_count: total(manifest.nodes),
      relationship_count: total(manifest.relationships),
      verified: true,
    };
    await this.publish(ctx, { backup, build, manifest, result });
    return result;
  }

  private async publish(
    ctx: OperationContext,
    made: { backup: StoredBackup; build: Build; manifest: GenerationManifest; result: object },
  ): Promise<void> {
    const { backup, build, manifest, result } = made;
    const { graph_id: sourceId, schema, staging, created_at: madeAt } = backup.manifest;
    const { graphId, generation } = build;
    const before = await this.graphs.liveGeneration(graphId);
    // Files of another graph are none of this one's: it has the rows and not the files.
    const own = sourceId === graphId;
    const contents = own
      ? { files: staging.held, otherRows: staging.other_rows, behind: staging.behind }
      : { files: [], otherRows: total(manifest.nodes) > 0, behind: null };
    const why = `The backup of ${madeAt} was restored`;
    const write = async (em: EntityManager): Promise<void> => {
      await this.backups.setSchema(em, graphId, schema);
      if (before !== null) await this.schemas.noteBack(em, graphId, { before, generation, why, by: ctx.userId });
      await this.standing.noteHeld(em, graphId, {
        files: contents.files,
        generation,
        reason: 'files were staged or removed since the restored backup was made',
        behind: contents.behind,
        materializations: 0,
      });
      await this.audit.record(em, {
        actor: { userId: ctx.userId },
        action: 'backup.restored',
        target: backup.id,
        orgId: ctx.orgId,
        details: { graph_id: graphId, operation_id: ctx.operationId, generation },
      });
      await ctx.keepResult(em, result);
    };
    await this.generations.publish(ctx, build, manifest, write, contents);
  }

  /** The graph is as it was; one that was made for this is of no use, like one whose creation failed. */
  protected override async afterFailureOrCancel(
    em: EntityManager,
    { backupId, systemBackupId }: RestoreBackupPayload,
    ended: Operation,
  ): Promise<void> {
    if (systemBackupId !== undefined) await this.systemBackups.giveUp(em, systemBackupId, ended.error ?? null);
    await this.backups.moveNewGraph(em, ended.graphId!, 'provisioning', 'failed');
    await this.endings.noteFailure(em, ended, 'backup.restore_failed', backupId);
  }

  protected override async beforeRetry(
    em: EntityManager,
    { systemBackupId }: RestoreBackupPayload,
    retry: Operation,
  ): Promise<void> {
    const graphId = retry.graphId!;
    if (systemBackupId !== undefined) await this.systemBackups.reopen(em, systemBackupId, retry.id);
    const { status, tier } = await this.graphs.get(graphId);
    if (status === 'active') return;
    await this.capacity.requireRoom(em, tier);
    if (!(await this.backups.moveNewGraph(em, graphId, 'failed', 'provisioning')))
      throw new GraphNotReady(graphId, status);
  }
}
