import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { SystemBackups } from '../backups/system-backups';
import { GraphDeletion } from '../graphs/graph-deletion';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { DeleteSubgraph, type DeleteSubgraphPayload } from './subgraphs.operations';

/** Backup, verified -> the subgraph is removed. Until there is one, the subgraph is as it was. */
@Injectable()
@HandlesOperation(DeleteSubgraph)
export class DeleteSubgraphProcessor extends OperationProcessor<typeof DeleteSubgraph> {
  constructor(
    private readonly systemBackups: SystemBackups,
    private readonly deletion: GraphDeletion,
    private readonly graphs: GraphsService,
    private readonly audit: AuditService,
  ) {
    super();
  }

  async run({ systemBackupId }: DeleteSubgraphPayload, ctx: OperationContext): Promise<object> {
    await this.systemBackups.make(ctx, systemBackupId, (percent, message) =>
      // The removal goes on from ten percent.
      ctx.progress(percent / 10, message),
    );
    return { ...(await this.deletion.remove(ctx)), system_backup_id: systemBackupId };
  }

  protected override async afterFailureOrCancel(
    em: EntityManager,
    { systemBackupId }: DeleteSubgraphPayload,
    ended: Operation,
  ): Promise<void> {
    await this.systemBackups.giveUp(em, systemBackupId, ended.error ?? null);
    await this.audit.record(em, {
      actor: { userId: ended.userId },
      action: 'graph.deletion_failed',
      target: ended.graphId,
      orgId: ended.orgId,
      outcome: 'failure',
      details: { operation_id: ended.id, code: ended.error?.code ?? ended.status },
    });
  }

  protected override async beforeRetry(
    em: EntityManager,
    { systemBackupId }: DeleteSubgraphPayload,
    retry: Operation,
  ): Promise<void> {
    await this.graphs.get(retry.graphId!);
    await this.systemBackups.reopen(em, systemBackupId, retry.id);
  }
}
