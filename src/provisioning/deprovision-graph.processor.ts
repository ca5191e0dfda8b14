import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { SystemBackups } from '../backups/system-backups';
import { GraphDeletion } from '../graphs/graph-deletion';
import type { GraphStatus } from '../graphs/graph-transitions';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { GraphInService } from './provisioning.errors';
import { DeprovisionGraph, type DeprovisionGraphPayload } from './provisioning.operations';

/** The share of the progress that the backup is. */
const BACKUP_SHARE = 0.7;
/** "deleting": half removed by an earlier attempt. */
const REMOVABLE: GraphStatus[] = ['suspended', 'deleting'];

/** Last backup, verified -> the graph is removed with its subgraphs. Without the backup nothing is removed. */
@Injectable()
@HandlesOperation(DeprovisionGraph)
export class DeprovisionGraphProcessor extends OperationProcessor<typeof DeprovisionGraph> {
  constructor(
    private readonly systemBackups: SystemBackups,
    private readonly deletion: GraphDeletion,
    private readonly graphs: GraphsService,
    private readonly audit: AuditService,
  ) {
    super();
  }

  async run({ systemBackupId }: DeprovisionGraphPayload, ctx: OperationContext): Promise<object> {
    await this.systemBackups.make(ctx, systemBackupId, (percent, message) =>
      ctx.progress(percent * BACKUP_SHARE, message),
    );
    ctx.progress(100 * BACKUP_SHARE, 'Removing the graph');
    const removed = await this.deletion.remove(ctx, {
      // One that was put back into service meanwhile stays.
      from: REMOVABLE,
      also: (em) => this.record(em, ctx, 'graph.deprovisioned', systemBackupId),
    });
    return { ...removed, system_backup_id: systemBackupId };
  }

  /** What was removed stays removed, and is not needed by the next try. */
  protected override async afterFailureOrCancel(
    em: EntityManager,
    { systemBackupId }: DeprovisionGraphPayload,
    ended: Operation,
  ): Promise<void> {
    await this.systemBackups.giveUp(em, systemBackupId, ended.error ?? null);
    await this.record(em, { ...ended, operationId: ended.id }, 'graph.deprovisioning_failed', systemBackupId);
  }

  protected override async beforeRetry(
    em: EntityManager,
    { systemBackupId }: DeprovisionGraphPayload,
    retry: Operation,
  ): Promise<void> {
    const { id, status } = await this.graphs.get(retry.graphId!);
    if (!REMOVABLE.includes(status)) throw new GraphInService(id, status);
    await this.systemBackups.reopen(em, systemBackupId, retry.id);
  }

  private record(
    em: EntityManager,
    { userId, graphId, orgId, operationId }: Pick<OperationContext, 'userId' | 'graphId' | 'orgId' | 'operationId'>,
    action: string,
    systemBackupId: string,
  ): Promise<void> {
    return this.audit.record(em, {
      actor: { userId },
      action,
      target: graphId,
      orgId,
      outcome: action.endsWith('failed') ? 'failure' : 'success',
      details: { operation_id: operationId, system_backup_id: systemBackupId },
    });
  }
}
