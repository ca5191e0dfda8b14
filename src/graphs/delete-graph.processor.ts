import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { GraphDeletion } from './graph-deletion';
import { DeleteGraph, type GraphPayload } from './graphs.operations';

/** With its subgraphs, where it has some. */
@Injectable()
@HandlesOperation(DeleteGraph)
export class DeleteGraphProcessor extends OperationProcessor<typeof DeleteGraph> {
  constructor(
    private readonly deletion: GraphDeletion,
    private readonly audit: AuditService,
  ) {
    super();
  }

  run(_payload: GraphPayload, ctx: OperationContext): Promise<object> {
    return this.deletion.remove(ctx);
  }

  protected override async afterFailureOrCancel(em: EntityManager, _: GraphPayload, ended: Operation): Promise<void> {
    await this.audit.record(em, {
      actor: { userId: ended.userId },
      action: 'graph.deletion_failed',
      target: ended.graphId,
      orgId: ended.orgId,
      outcome: 'failure',
      details: { operation_id: ended.id },
    });
  }
}
