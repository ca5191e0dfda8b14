import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AuditActor, AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { UUID } from '../common/ids';
import { Transactor } from '../database/transactor';
import type { Graph } from '../graphs/graph.entity';
import { GraphsService } from '../graphs/graphs.service';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { ObjectStore } from '../storage/object-store';
import { type Backup, objectPrefix } from './backup.entity';
import type { BackupSchedule } from './backup-schedule.entity';
import { BackupLimits } from './backup-limits';
import type { StoredBackup } from './backup-objects';
import { BackupNotCompleted, BackupNotFound } from './backups.errors';
import { CreateBackup, VerifyBackup } from './backups.operations';
import { type BackupFilter, BackupsRepository, type BackupStats } from './backups.repository';
import type { CreateBackupDto } from './dto/backup-request.dto';
import { NewBackups, type WantedBackup } from './new-backups';

/** Backups of graphs: making, finding, checking and removing them. The work itself is done by processors. */
@Injectable()
export class BackupsService {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsService,
    private readonly operations: OperationsService,
    private readonly backups: BackupsRepository,
    private readonly wanted: NewBackups,
    private readonly limits: BackupLimits,
    private readonly objects: ObjectStore,
    private readonly audit: AuditService,
  ) {}

  /** Starts making a backup of what is live. Throws `DailyLimitReached`, `BackupStorageReached`, `GraphNotReady`. */
  async requestCreation(
    actor: Actor,
    graphId: string,
    request: CreateBackupDto,
  ): Promise<{ operation: Operation; backupId: string }> {
    const graph = await this.graphs.active(graphId);
    return this.transactor.run((em) =>
      this.begin(em, actor, graph, {
        kind: 'manual',
        format: request.backup_format,
        labels: request.labels,
        retentionDays: request.retention_days,
        createdBy: actor.userId,
      }),
    );
  }

  /** Starts the backup that a schedule is due for, in the transaction that notes so; its id. Throws as {@link requestCreation}. */
  async beginScheduled(em: EntityManager, schedule: BackupSchedule): Promise<string> {
    const { id: scheduleId, createdBy, retentionDays } = schedule;
    const actor = { userId: createdBy };
    const { backupId } = await this.begin(em, actor, await this.graphs.active(schedule.graphId), {
      kind: 'scheduled',
      format: 'full_dump',
      labels: [],
      retentionDays,
      createdBy,
      scheduleId,
    });
    return backupId;
  }

  /** Starts reading a backup back. Throws {@link BackupNotCompleted}. */
  async requestVerification(actor: Actor, graphId: string, backupId: string): Promise<Operation> {
    const backup = await this.get(graphId, backupId);
    storedBackup(backup);
    return this.transactor.run(async (em) => {
      const { orgId } = backup;
      const operation = await this.operations.begin(em, VerifyBackup, { actor, orgId, graphId, payload: { backupId } });
      await this.record(em, actor, 'backup.verification_requested', backup, operation);
      return operation;
    });
  }

  /** Throws {@link BackupNotFound}; that of another graph is not found either. */
  async get(graphId: string, backupId: string): Promise<Backup> {
    const backup = UUID.test(backupId) ? await this.backups.find(graphId, backupId) : null;
    if (backup === null) throw new BackupNotFound();
    return backup;
  }

  /** Newest first. */
  list(
    graphId: string,
    filter: BackupFilter,
    page: { limit: number; offset: number },
  ): Promise<{ backups: Backup[]; total: number }> {
    return this.backups.list(graphId, filter, page);
  }

  stats(graphId: string): Promise<BackupStats> {
    return this.backups.stats(graphId);
  }

  /** Gives a backup other labels. */
  setLabels(actor: Actor, graphId: string, backupId: string, labels: string[]): Promise<Backup> {
    return this.transactor.run(async (em) => {
      const backup = await this.locked(em, graphId, backupId);
      await this.backups.setLabels(em, backupId, [...new Set(labels)]);
      await this.record(em, actor, 'backup.labelled', backup);
      return (await this.backups.find(graphId, backupId, em))!;
    });
  }

  /** Removes a backup for good. Throws {@link BackupNotCompleted} while it is being made. */
  async remove(actor: Actor, graphId: string, backupId: string): Promise<void> {
    const removed = await this.transactor.run(async (em) => {
      const backup = await this.locked(em, graphId, backupId);
      if (backup.status === 'in_progress') throw new BackupNotCompleted(backup.status);
      await this.backups.remove(em, backupId);
      await this.record(em, actor, 'backup.deleted', backup);
      return backup;
    });
    // What a crash leaves here, the sweep finds.
    await this.objects.deletePrefix(objectPrefix(removed));
  }

  private async begin(
    em: EntityManager,
    actor: AuditActor & { userId: string },
    graph: Graph,
    wanted: WantedBackup,
  ): Promise<{ operation: Operation; backupId: string }> {
    await this.limits.requireAnother(em, graph);
    const backupId = await this.wanted.insert(em, graph, wanted);
    const { id: graphId, orgId } = graph;
    const operation = await this.operations.begin(em, CreateBackup, { actor, orgId, graphId, payload: { backupId } });
    await this.backups.setOperation(em, backupId, operation.id);
    await this.record(em, actor, 'backup.creation_requested', { id: backupId, graphId, orgId }, operation);
    return { operation, backupId };
  }

  private async locked(em: EntityManager, graphId: string, backupId: string): Promise<Backup> {
    const backup = UUID.test(backupId) ? await this.backups.findLocked(em, graphId, backupId) : null;
    if (backup === null) throw new BackupNotFound();
    return backup;
  }

  private record(
    em: EntityManager,
    actor: AuditActor,
    action: string,
    { id, graphId, orgId }: Pick<Backup, 'id' | 'graphId' | 'orgId'>,
    operation?: Operation,
  ): Promise<void> {
    const details = { graph_id: operation?.graphId ?? graphId, ...(operation && { operation_id: operation.id }) };
    return this.audit.record(em, { actor, action, target: id, orgId, details });
  }
}

/** A backup whose bytes can be used. Throws {@link BackupNotFound}, {@link BackupNotCompleted}. */
export function storedBackup(backup: Backup | null): StoredBackup {
  if (backup === null) throw new BackupNotFound();
  const { id, orgId, status, objectKey, manifest } = backup;
  if (status !== 'completed' || objectKey === null || manifest === null) throw new BackupNotCompleted(status);
  return { id, orgId, objectKey, manifest };
}
