import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AuditActor, AuditService } from '../audit/audit.service';
import { GraphNotFound } from '../auth/auth.errors';
import { SystemBackups } from '../backups/system-backups';
import { Transactor } from '../database/transactor';
import { GraphCapacity } from '../graphs/graph-capacity';
import { notUsable } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import { BYTES_PER_GB, StorageUsage } from '../limits/storage-usage';
import { TierTable } from '../limits/tier-table';
import type { Tier } from '../limits/tiers';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { GraphInService, NotOfASubgraph, TierTooSmall, TierUnchanged } from './provisioning.errors';
import { ChangeGraphTier, DeprovisionGraph } from './provisioning.operations';
import { type LockedGraph, ProvisioningRepository } from './provisioning.repository';

type By = (AuditActor & { userId: string }) | null;

/** The tier of a graph, and its end. Called by routes and sensors alike. */
@Injectable()
export class ProvisioningService {
  constructor(
    private readonly transactor: Transactor,
    private readonly provisioning: ProvisioningRepository,
    private readonly graphs: GraphsService,
    private readonly capacity: GraphCapacity,
    private readonly tiers: TierTable,
    private readonly storage: StorageUsage,
    private readonly systemBackups: SystemBackups,
    private readonly operations: OperationsService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Starts moving a graph to another tier. Throws {@link TierUnchanged}, {@link TierTooSmall}, {@link NotOfASubgraph},
   * `TierFull`, `ContentTooLarge`, and for a graph that is not active why it is not.
   */
  requestTierChange(actor: By, graphId: string, to: Tier): Promise<Operation> {
    return this.transactor.run((em) => this.beginTierChange(em, actor, graphId, to));
  }

  /** The same in the caller's transaction. `subscriptionId`: of the subscription whose plan changes with it. */
  async beginTierChange(
    em: EntityManager,
    actor: By,
    graphId: string,
    to: Tier,
    subscriptionId?: string,
  ): Promise<Operation> {
    const graph = await this.locked(em, graphId);
    const { tier: from, orgId } = graph;
    if (from === to) throw new TierUnchanged(graphId, to);
    await this.requireTier(em, graph, to);
    const operation = await this.operations.begin(em, ChangeGraphTier, {
      actor,
      orgId,
      graphId,
      payload: { from, to, ...(subscriptionId !== undefined && { subscriptionId }) },
      alsoGraphs: graph.subgraphs,
    });
    const details = { from, to, operation_id: operation.id };
    await this.audit.record(em, { actor, action: 'graph.tier_change_requested', target: graphId, orgId, details });
    return operation;
  }

  /** Moves it, in the caller's transaction. Throws what {@link requestTierChange} throws; then nothing has changed. */
  async changeTier(em: EntityManager, graphId: string, from: Tier, to: Tier): Promise<void> {
    const graph = await this.locked(em, graphId);
    if (graph.tier === to) return;
    await this.requireTier(em, graph, to);
    if (!(await this.provisioning.setTier(em, graphId, from, to))) throw new TierUnchanged(graphId, graph.tier);
  }

  /**
   * Starts removing a suspended graph after a last backup. Throws {@link GraphInService} for one that is not suspended,
   * {@link NotOfASubgraph}, and `GraphIsRead` while others pay for reading it.
   */
  requestDeprovisioning(actor: By, graphId: string): Promise<Operation> {
    return this.transactor.run(async (em) => {
      const graph = await this.locked(em, graphId);
      if (graph.status !== 'suspended') throw new GraphInService(graphId, graph.status);
      await this.graphs.requireUnread(em, graphId);
      const systemBackupId = await this.systemBackups.announce(em, graph, actor?.userId ?? null, ['final']);
      const { orgId } = graph;
      const operation = await this.operations.begin(em, DeprovisionGraph, {
        actor,
        orgId,
        graphId,
        payload: { systemBackupId },
        alsoGraphs: graph.subgraphs,
      });
      await this.systemBackups.belongTo(em, systemBackupId, operation.id);
      const details = { operation_id: operation.id, system_backup_id: systemBackupId };
      await this.audit.record(em, { actor, action: 'graph.deprovisioning_requested', target: graphId, orgId, details });
      return operation;
    });
  }

  private async locked(em: EntityManager, graphId: string): Promise<LockedGraph> {
    const graph = await this.provisioning.lock(em, graphId);
    if (graph === null) throw new GraphNotFound();
    if (graph.parentId !== null) throw new NotOfASubgraph(graphId, graph.parentId);
    return graph;
  }

  /** A graph moves only where the tier has a place for it and allows all that it has. */
  private async requireTier(em: EntityManager, { id, status, subgraphs }: LockedGraph, to: Tier): Promise<void> {
    if (status !== 'active') throw notUsable(id, status);
    const limits = this.tiers.of(to);
    if (subgraphs.length > limits.max_subgraphs)
      throw new TierTooSmall(to, 'max_subgraphs', limits.max_subgraphs, subgraphs.length);
    for (const { dataBytes, stagedBytes } of await this.storage.ofGraph(id, em)) {
      const gigabytes = (dataBytes + stagedBytes) / BYTES_PER_GB;
      if (gigabytes > limits.storage_gb) throw new TierTooSmall(to, 'storage_gb', limits.storage_gb, gigabytes);
    }
    const live = await this.graphs.liveGeneration(id);
    if (live?.manifest) this.tiers.requireContent(to, live.manifest);
    await this.capacity.requireRoom(em, to);
  }
}
