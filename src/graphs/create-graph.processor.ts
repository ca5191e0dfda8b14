import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { FirstGeneration } from './first-generation';
import { CreateGraph, type GraphPayload } from './graphs.operations';
import { GraphsService } from './graphs.service';

/** Builds the first generation: the tables of the schema, without rows. */
@Injectable()
@HandlesOperation(CreateGraph)
export class CreateGraphProcessor extends OperationProcessor<typeof CreateGraph> {
  constructor(
    private readonly first: FirstGeneration,
    private readonly graphs: GraphsService,
  ) {
    super();
  }

  run(_payload: GraphPayload, ctx: OperationContext): Promise<object> {
    return this.first.build(ctx);
  }

  protected override async afterFailureOrCancel(
    em: EntityManager,
    _payload: GraphPayload,
    operation: Operation,
  ): Promise<void> {
    await this.graphs.failCreation(em, operation.graphId!);
  }

  protected override async beforeRetry(em: EntityManager, _payload: GraphPayload, retry: Operation): Promise<void> {
    await this.graphs.reopenCreation(em, retry.graphId!, retry.id);
  }
}
