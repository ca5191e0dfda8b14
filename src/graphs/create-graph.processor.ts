import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { FirstGeneration } from './first-generation';
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
    await this.catalog.setStatus(em, operation.graphId!, 'failed');
  }

  /** Refuses where the graph was deleted in the meantime. */
  protected override async beforeRetry(em: EntityManager, _payload: GraphPayload, retry: Operation): Promise<void> {
    const graphId = retry.graphId!;
    if (await this.catalog.reopenCreation(em, graphId)) return;
    throw new GraphNotReady(graphId, (await this.catalog.find(graphId, em))?.status ?? 'deleted');
  }
}
