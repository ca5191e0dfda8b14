import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { SystemBackups } from '../backups/system-backups';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import type { Subgraph } from './subgraph';
import { SubgraphNotEmpty, SubgraphNotFound } from './subgraphs.errors';
import { DeleteSubgraph } from './subgraphs.operations';
import { SubgraphsRepository } from './subgraphs.repository';

/** A deletion that has begun, and the backup that is made before it; null where there is nothing to keep, or nobody wants it. */
export interface BegunRemoval {
  operation: Operation;
  systemBackupId: string | null;
}

/** Deleting subgraphs, by request. */
@Injectable()
export class SubgraphRemovals {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsService,
    private readonly subgraphs: SubgraphsRepository,
    private readonly operations: OperationsService,
    private readonly systemBackups: SystemBackups,
    private readonly audit: AuditService,
  ) {}

  /**
   * Starts deleting a subgraph. Throws {@link SubgraphNotEmpty} unless that is forced, `OperationConflict` while an operation
   * changes it. What is refused stands in the audit log as well.
   */
  async request(
    actor: Actor,
    parentId: string,
    name: string,
    options: { force: boolean; backupFirst: boolean },
  ): Promise<BegunRemoval> {
    const { orgId } = await this.graphs.get(parentId);
    const entry = { actor, action: 'graph.deletion_requested', target: parentId, orgId, details: { name } };
    return this.audit.noteRefusal(entry, () => this.begin(actor, parentId, name, options));
  }

  private begin(
    actor: Actor,
    parentId: string,
    name: string,
    { force, backupFirst }: { force: boolean; backupFirst: boolean },
  ): Promise<BegunRemoval> {
    return this.transactor.run(async (em) => {
      const subgraph = await this.subgraphs.find(parentId, name, em);
      if (subgraph === null) throw new SubgraphNotFound(name);
      const { graphId } = subgraph;
      // Nothing is published from here on, so what is counted now is what would be lost.
      await this.subgraphs.lock(em, graphId);
      const { nodes, relationships, stagedFiles } = (await this.subgraphs.states([graphId], em)).get(graphId)!;
      if (nodes + relationships + stagedFiles > 0 && !force)
        throw new SubgraphNotEmpty(name, { nodes, relationships, stagedFiles });
      if (backupFirst && nodes + relationships > 0) return this.beginWithBackup(em, actor, subgraph);
      const operation = await this.graphs.beginDeletion(em, actor, graphId, { cascade: false });
      return { operation, systemBackupId: null };
    });
  }

  /** It can be read until the backup is there. */
  private async beginWithBackup(em: EntityManager, actor: Actor, { graphId, orgId }: Subgraph): Promise<BegunRemoval> {
    const graph = await this.graphs.active(graphId);
    const systemBackupId = await this.systemBackups.announce(em, graph, actor.userId, ['before deletion']);
    const payload = { systemBackupId };
    const operation = await this.operations.begin(em, DeleteSubgraph, { actor, orgId, graphId, payload });
    await this.systemBackups.belongTo(em, systemBackupId, operation.id);
    const details = { operation_id: operation.id, system_backup_id: systemBackupId };
    await this.audit.record(em, { actor, action: 'graph.deletion_requested', target: graphId, orgId, details });
    return { operation, systemBackupId };
  }
}
