import { Injectable } from '@nestjs/common';
import { Notifications } from '../database/notifications';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { GenerationsService, GRAPH_CHANGED } from './generations.service';
import { GraphDeletion } from './graph-deletion';
import { DeleteGraph, type GraphPayload } from './graphs.operations';
import { GraphsRepository } from './graphs.repository';

/** Removes files first and the catalog's entry last, so that a crash half-way is finished by the next attempt. */
@Injectable()
@HandlesOperation(DeleteGraph)
export class DeleteGraphProcessor extends OperationProcessor<typeof DeleteGraph> {
  constructor(
    private readonly graphs: GraphsRepository,
    private readonly generations: GenerationsService,
    private readonly deletion: GraphDeletion,
    private readonly notifications: Notifications,
  ) {
    super();
  }

  async run(_payload: GraphPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    // Processes that serve the graph close it when they hear that it is no longer active.
    await ctx.transaction((em) => this.notifications.notify(em, GRAPH_CHANGED, graphId));
    ctx.progress(10, 'Removing uploaded files');
    await this.deletion.cleanUp(graphId);
    ctx.progress(60, 'Removing graph data');
    await this.generations.dropAll(graphId);
    await ctx.transaction((em) => this.graphs.setStatus(em, graphId, 'deleted'));
    return { graph_id: graphId, status: 'deleted' };
  }
}
