import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { FirstGeneration } from '../graphs/first-generation';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { SubgraphBirths } from './subgraph-births';
import { CreateSubgraph, type SubgraphPayload } from './subgraphs.operations';

/** Builds the first generation: the tables of the schema, without rows. */
@Injectable()
@HandlesOperation(CreateSubgraph)
export class CreateSubgraphProcessor extends OperationProcessor<typeof CreateSubgraph> {
  constructor(
    private readonly first: FirstGeneration,
    private readonly births: SubgraphBirths,
  ) {
    super();
  }

  run(_payload: SubgraphPayload, ctx: OperationContext): Promise<object> {
    return this.first.build(ctx, { also: (em) => this.births.noteBorn(em, ctx, 'subgraph.created') });
  }

  protected override afterFailureOrCancel(em: EntityManager, _: SubgraphPayload, ended: Operation): Promise<void> {
    return this.births.giveUp(em, ended);
  }

  protected override beforeRetry(em: EntityManager, _: SubgraphPayload, retry: Operation): Promise<void> {
    return this.births.tryAgain(em, retry);
  }
}
