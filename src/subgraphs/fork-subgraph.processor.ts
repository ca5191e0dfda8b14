import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import type { Operation } from '../operations/operation.entity';
import { forkResult } from './fork-result';
import { SubgraphBirths } from './subgraph-births';
import { SubgraphForks } from './subgraph-forks';
import { SubgraphNotFound } from './subgraphs.errors';
import { ForkSubgraph, type ForkSubgraphPayload } from './subgraphs.operations';
import { SubgraphsRepository } from './subgraphs.repository';

/** The parent's live data -> the first generation of the subgraph. */
@Injectable()
@HandlesOperation(ForkSubgraph)
export class ForkSubgraphProcessor extends OperationProcessor<typeof ForkSubgraph> {
  constructor(
    private readonly subgraphs: SubgraphsRepository,
    private readonly forks: SubgraphForks,
    private readonly births: SubgraphBirths,
    private readonly work: WorkDirectories,
  ) {
    super();
  }

  run({ options }: ForkSubgraphPayload, ctx: OperationContext): Promise<object> {
    return this.work.use(ctx, async (directory) => {
      const subgraph = await this.subgraphs.get(ctx.graphId!);
      if (subgraph === null) throw new SubgraphNotFound(ctx.graphId!);
      const fork = await this.forks.build(ctx, subgraph, options ?? null, directory);
      const result = forkResult(subgraph, fork);
      await this.forks.publish(ctx, fork, result, (em) => this.births.noteBorn(em, ctx, 'subgraph.forked'));
      return result;
    });
  }

  protected override afterFailureOrCancel(em: EntityManager, _: ForkSubgraphPayload, ended: Operation): Promise<void> {
    return this.births.giveUp(em, ended);
  }

  protected override beforeRetry(em: EntityManager, _: ForkSubgraphPayload, retry: Operation): Promise<void> {
    return this.births.tryAgain(em, retry);
  }
}
