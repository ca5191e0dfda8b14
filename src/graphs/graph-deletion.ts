import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Notifications } from '../database/notifications';
import type { OperationContext } from '../jobs/operation-context';
import { GenerationsService, GRAPH_CHANGED } from './generations.service';
import type { GraphStatus } from './graph-transitions';
import { notUsable } from './graphs.errors';
import { GraphsRepository } from './graphs.repository';

type Cleanup = (graphId: string) => Promise<void>;

export interface RemovalOptions {
  /** Only from these statuses; else it throws, and nothing is removed. */
  from?: GraphStatus[];
  /** Written in the transaction in which the graph is gone. */
  also?: (em: EntityManager) => Promise<void>;
}

/**
 * How a graph is removed, whichever operation does it. Features that keep something for a graph say here how that goes, so
 * that `graphs` need not know them.
 */
@Injectable()
export class GraphDeletion {
  private readonly cleanups: Cleanup[] = [];

  constructor(
    private readonly graphs: GraphsRepository,
    private readonly generations: GenerationsService,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
  ) {}

  /** `cleanup` may run more than once for a graph. */
  register(cleanup: Cleanup): void {
    this.cleanups.push(cleanup);
  }

  /**
   * Removes the operation's graph, with its subgraphs where it has some; from its first step on nobody can use them. Files go
   * first and the catalog's entry last, so that a crash half-way is finished by the next attempt.
   */
  async remove(ctx: OperationContext, { from, also }: RemovalOptions = {}): Promise<object> {
    const graphId = ctx.graphId!;
    const graphs = await ctx.transaction(async (em) => {
      const all = [...(await this.graphs.lockWithSubgraphs(em, graphId)), graphId];
      if (from !== undefined && !(await this.graphs.move(em, graphId, 'deleting', from)))
        throw notUsable(graphId, (await this.graphs.find(graphId, em))!.status);
      for (const id of all) {
        await this.graphs.move(em, id, 'deleting');
        // Processes that serve it close it when they hear that it is no longer active.
        await this.notifications.notify(em, GRAPH_CHANGED, id);
      }
      return all;
    });
    for (const [at, id] of graphs.entries()) {
      const of = graphs.length === 1 ? '' : ` (graph ${at + 1} of ${graphs.length})`;
      ctx.progress(((at + 0.1) / graphs.length) * 100, `Removing uploaded files${of}`);
      await this.cleanUp(id);
      ctx.progress(((at + 0.6) / graphs.length) * 100, `Removing graph data${of}`);
      await this.generations.dropAll(id);
    }
    const { userId, orgId, operationId } = ctx;
    const result = { graph_id: graphId, status: 'deleted', deleted_subgraphs: graphs.slice(0, -1) };
    await ctx.transaction(async (em) => {
      for (const id of graphs) {
        await this.graphs.move(em, id, 'deleted');
        const details = { operation_id: operationId };
        await this.audit.record(em, { actor: { userId }, action: 'graph.deleted', target: id, orgId, details });
      }
      await also?.(em);
      await ctx.keepResult(em, result);
    });
    return result;
  }

  /** Removes what features keep for a graph. */
  async cleanUp(graphId: string): Promise<void> {
    for (const cleanup of this.cleanups) await cleanup(graphId);
  }
}
