import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { GraphNotReady } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import type { OperationContext } from '../jobs/operation-context';
import type { Operation } from '../operations/operation.entity';
import { SubgraphsRepository } from './subgraphs.repository';
import { SubgraphsService } from './subgraphs.service';

/** How the making of a subgraph ends, whether it began empty or as a fork: with a subgraph, or with nothing of it. */
@Injectable()
export class SubgraphBirths {
  constructor(
    private readonly subgraphs: SubgraphsRepository,
    private readonly service: SubgraphsService,
    private readonly graphs: GraphsService,
    private readonly audit: AuditService,
  ) {}

  /** In the transaction that publishes its first generation. */
  async noteBorn(
    em: EntityManager,
    { userId, orgId, graphId, operationId }: OperationContext,
    action: string,
  ): Promise<void> {
    const actor = { userId };
    await this.audit.record(em, { actor, action, target: graphId, orgId, details: { operation_id: operationId } });
  }

  /** Its place and its name are free again; what was built of it is no generation, and is removed as such. */
  async giveUp(em: EntityManager, ended: Operation): Promise<void> {
    const { id, graphId, orgId, userId, status, error } = ended;
    await this.subgraphs.giveUp(em, graphId!);
    await this.audit.record(em, {
      actor: { userId },
      action: 'subgraph.creation_failed',
      target: graphId,
      orgId,
      outcome: 'failure',
      details: { operation_id: id, code: error?.code ?? status },
    });
  }

  /** Refuses where another one has taken the name or the place meanwhile, or the parent is gone. */
  async tryAgain(em: EntityManager, { graphId, retryOf, id }: Operation): Promise<void> {
    const subgraph = await this.subgraphs.get(graphId!, em);
    if (subgraph === null) throw new GraphNotReady(graphId!, 'deleted');
    const parent = await this.graphs.get(subgraph.parentId);
    await this.service.requirePlace(em, parent);
    if (!(await this.subgraphs.reopen(em, graphId!, retryOf!)))
      throw new GraphNotReady(graphId!, (await this.subgraphs.get(graphId!, em))?.status ?? 'deleted');
    await this.subgraphs.setOperation(em, graphId!, id);
  }
}
