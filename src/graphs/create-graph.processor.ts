import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { FirstGeneration } from './first-generation';
import { GraphCapacity, placeIn } from './graph-capacity';
import { GraphNotReady } from './graphs.errors';
import { CreateGraph, type GraphPayload } from './graphs.operations';
import { GraphsRepository } from './graphs.repository';

/** Builds the first generation: the tables of the schema, without rows. */
@Injectable()
@HandlesOperation(CreateGraph)
export class CreateGraphProcessor extends OperationProcessor<typeof CreateGraph> {
  constructor(
    private readonly first: FirstGeneration,
    private readonly catalog: GraphsRepository,
    private readonly capacity: GraphCapacity,
    private readonly operations: OperationsService,
  ) {
    super();
  }

  run(_payload: GraphPayload, ctx: OperationContext): Promise<object> {
    return this.first.build(ctx);
  }

  /** A graph without a first generation is of no use: it stays in the list as failed, until it is deleted. */
  protected override async afterFailureOrCancel(
    em: EntityManager,
    _payload: GraphPayload,
    operation: Operation,
  ): Promise<void> {
    await this.catalog.move(em, operation.graphId!, 'failed');
  }

  /** Refuses where the graph was deleted in the meantime. It needs a place once more, and waits where there is none. */
  protected override async beforeRetry(em: EntityManager, _payload: GraphPayload, retry: Operation): Promise<void> {
    const graphId = retry.graphId!;
    const graph = await this.catalog.find(graphId, em);
    if (graph?.status !== 'failed') throw new GraphNotReady(graphId, graph?.status ?? 'deleted');
    const placed = await this.capacity.hasRoom(em, graph.tier);
    if (!placed) await this.operations.hold(em, retry.id, placeIn(graph.tier));
    await this.catalog.move(em, graphId, placed ? 'provisioning' : 'queued');
  }
}
