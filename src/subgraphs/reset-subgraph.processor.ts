import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import type { Operation } from '../operations/operation.entity';
import { forkResult } from './fork-result';
import { SubgraphForks } from './subgraph-forks';
import { SubgraphNotFound } from './subgraphs.errors';
import { ResetSubgraph, type SubgraphPayload } from './subgraphs.operations';
import { SubgraphsRepository } from './subgraphs.repository';

/** The parent's live data, by the options of the fork -> the next generation of the subgraph. */
@Injectable()
@HandlesOperation(ResetSubgraph)
export class ResetSubgraphProcessor extends OperationProcessor<typeof ResetSubgraph> {
  constructor(
    private readonly subgraphs: SubgraphsRepository,
    private readonly forks: SubgraphForks,
    private readonly graphs: GraphsService,
    private readonly work: WorkDirectories,
    private readonly audit: AuditService,
  ) {
    super();
  }

  run(_payload: SubgraphPayload, ctx: OperationContext): Promise<object> {
    return this.work.use(ctx, async (directory) => {
      const subgraph = await this.subgraphs.get(ctx.graphId!);
      if (subgraph === null) throw new SubgraphNotFound(ctx.graphId!);
      const fork = await this.forks.build(ctx, subgraph, subgraph.forkOptions, directory);
      const result = { ...forkResult(subgraph, fork), previous_generation: fork.build.live?.generation ?? null };
      await this.forks.publish(ctx, fork, result, (em) => this.record(em, ctx, ctx.operationId, 'subgraph.reset'));
      return result;
    });
  }

  protected override afterFailureOrCancel(em: EntityManager, _: SubgraphPayload, ended: Operation): Promise<void> {
    const code = ended.error?.code ?? ended.status;
    return this.record(em, ended, ended.id, 'subgraph.reset_failed', code);
  }

  protected override async beforeRetry(_: EntityManager, __: SubgraphPayload, retry: Operation): Promise<void> {
    await this.graphs.active(retry.graphId!);
  }

  private record(
    em: EntityManager,
    { userId, orgId, graphId }: Pick<Operation, 'userId' | 'orgId' | 'graphId'>,
    operationId: string,
    action: string,
    code?: string,
  ): Promise<void> {
    return this.audit.record(em, {
      actor: { userId },
      action,
      target: graphId,
      orgId,
      outcome: code === undefined ? 'success' : 'failure',
      details: { operation_id: operationId, ...(code !== undefined && { code }) },
    });
  }
}
