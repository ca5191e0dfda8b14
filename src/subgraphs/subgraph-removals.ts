import { Injectable } from '@nestjs/common';
import type { Actor } from '../auth/actor';
import { NotImplementedYet } from '../common/not-implemented';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import type { Operation } from '../operations/operation.entity';
import { SubgraphNotEmpty, SubgraphNotFound } from './subgraphs.errors';
import { SubgraphsRepository } from './subgraphs.repository';

/** Deleting subgraphs, by request. */
@Injectable()
export class SubgraphRemovals {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsService,
    private readonly subgraphs: SubgraphsRepository,
  ) {}

  /**
   * Starts deleting a subgraph. Throws {@link SubgraphNotEmpty} unless that is forced, `OperationConflict` while an operation
   * changes it.
   */
  request(
    actor: Actor,
    parentId: string,
    name: string,
    { force, backupFirst }: { force: boolean; backupFirst: boolean },
  ): Promise<Operation> {
    return this.transactor.run(async (em) => {
      const subgraph = await this.subgraphs.find(parentId, name, em);
      if (subgraph === null) throw new SubgraphNotFound(name);
      // Nothing comes in from here on, so what is counted now is what would be lost.
      const operation = await this.graphs.beginDeletion(em, actor, subgraph.graphId, { cascade: false });
      const { nodes, relationships, stagedFiles } = (await this.subgraphs.states([subgraph.graphId], em)).get(
        subgraph.graphId,
      )!;
      if (nodes + relationships + stagedFiles === 0) return operation;
      if (!force) throw new SubgraphNotEmpty(name, { nodes, relationships, stagedFiles });
      if (backupFirst)
        throw new NotImplementedYet('backup_first (send backup_first: false to delete without a backup)');
      return operation;
    });
  }
}
