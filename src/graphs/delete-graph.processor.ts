import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Notifications } from '../database/notifications';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { GenerationsService, GRAPH_CHANGED } from './generations.service';
import { GraphDeletion } from './graph-deletion';
import { DeleteGraph, type GraphPayload } from './graphs.operations';
import { GraphsRepository } from './graphs.repository';

/** With its subgraphs, where it has some. Removes files first and the catalog's entry last, so that a crash half-way is finished by the next attempt. */
@Injectable()
@HandlesOperation(DeleteGraph)
export class DeleteGraphProcessor extends OperationProcessor<typeof DeleteGraph> {
  constructor(
    private readonly graphs: GraphsRepository,
    private readonly generations: GenerationsService,
    private readonly deletion: GraphDeletion,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
  ) {
    super();
  }

  async run(_payload: GraphPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    const graphs = [...(await ctx.transaction((em) => this.graphs.lockWithSubgraphs(em, graphId))), graphId];
    // Processes that serve them close them when they hear that they are no longer active.
    await ctx.transaction(async (em) => {
      for (const id of graphs) await this.notifications.notify(em, GRAPH_CHANGED, id);
    });
    for (const [at, id] of graphs.entries()) {
      const of = graphs.length === 1 ? '' : ` (graph ${at + 1} of ${graphs.length})`;
      ctx.progress(((at + 0.1) / graphs.length) * 100, `Removing uploaded files${of}`);
      await this.deletion.cleanUp(id);
      ctx.progress(((at + 0.6) / graphs.length) * 100, `Removing graph data${of}`);
      await this.generations.dropAll(id);
    }
    await ctx.transaction(async (em) => {
      for (const id of graphs) {
        await this.graphs.setStatus(em, id, 'deleted');
        await this.audit.record(em, this.entry(ctx, 'graph.deleted', id));
      }
    });
    return { graph_id: graphId, status: 'deleted', deleted_subgraphs: graphs.slice(0, -1) };
  }

  protected override async afterFailureOrCancel(em: EntityManager, _: GraphPayload, ended: Operation): Promise<void> {
    const entry = this.entry({ ...ended, operationId: ended.id }, 'graph.deletion_failed', ended.graphId!);
    await this.audit.record(em, { ...entry, outcome: 'failure' });
  }

  private entry(by: Pick<OperationContext, 'userId' | 'orgId' | 'operationId'>, action: string, target: string) {
    const actor = { userId: by.userId };
    return { actor, action, target, orgId: by.orgId, details: { operation_id: by.operationId } };
  }
}
