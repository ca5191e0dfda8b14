import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AuditActor, AuditService } from '../audit/audit.service';
import { AccessService } from '../auth/access.service';
import { GraphNotFound } from '../auth/auth.errors';
import { Notifications } from '../database/notifications';
import { Transactor } from '../database/transactor';
import { GRAPH_CHANGED } from './generations.service';
import type { Graph } from './graph.entity';
import { GraphNotReady } from './graphs.errors';
import { GraphsRepository } from './graphs.repository';

/**
 * Taking a graph out of service and back. A suspended graph keeps its data, its place and its backups; the guard refuses
 * what would read or change it, and its subgraphs, with a 402.
 */
@Injectable()
export class GraphSuspension {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsRepository,
    private readonly access: AccessService,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
  ) {}

  /** Of one that is suspended already only the reason is changed. Throws {@link GraphNotReady} for one that is not active. */
  suspend(actor: AuditActor | null, graphId: string, reason: string): Promise<Graph> {
    return this.transactor.run((em) => this.suspendIn(em, actor, graphId, reason));
  }

  /** The same in the caller's transaction. */
  async suspendIn(em: EntityManager, actor: AuditActor | null, graphId: string, reason: string): Promise<Graph> {
    if (!(await this.graphs.move(em, graphId, 'suspended', ['active', 'suspended'])))
      throw await this.refusal(em, graphId);
    return this.changed(em, actor, graphId, reason);
  }

  /** Throws {@link GraphNotReady} for one that is neither suspended nor active. */
  resume(actor: AuditActor | null, graphId: string): Promise<Graph> {
    return this.transactor.run(async (em) => {
      if (!(await this.graphs.move(em, graphId, 'active', ['suspended', 'active'])))
        throw await this.refusal(em, graphId);
      return this.changed(em, actor, graphId, null);
    });
  }

  private async changed(
    em: EntityManager,
    actor: AuditActor | null,
    graphId: string,
    reason: string | null,
  ): Promise<Graph> {
    await this.graphs.noteSuspension(em, graphId, reason);
    // Processes that serve it look again, and close it where it is suspended.
    await this.notifications.notify(em, GRAPH_CHANGED, graphId);
    // The very next request here shall know; other processes hear of it from the database.
    this.transactor.afterCommit(em, () => this.access.forget());
    const graph = (await this.graphs.find(graphId, em))!;
    await this.audit.record(em, {
      actor,
      action: reason === null ? 'graph.resumed' : 'graph.suspended',
      target: graphId,
      orgId: graph.orgId,
      ...(reason !== null && { details: { reason } }),
    });
    return graph;
  }

  private async refusal(em: EntityManager, graphId: string): Promise<Error> {
    const graph = await this.graphs.find(graphId, em);
    return graph === null || graph.status === 'deleted'
      ? new GraphNotFound()
      : new GraphNotReady(graphId, graph.status);
  }
}
