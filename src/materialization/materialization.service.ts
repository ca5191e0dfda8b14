import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { NotImplementedYet } from '../common/not-implemented';
import { Transactor } from '../database/transactor';
import { GraphNotReady } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import { requireRoomToday } from '../limits/daily-limit';
import { TierTable } from '../limits/tier-table';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import type { MaterializeDto } from './dto/materialize.dto';
import { MaterializeGraph } from './materialization.operations';

const MS_PER_HOUR = 3_600_000;

/** Starts materializations and says how the graph and its staging tables stand to each other. */
@Injectable()
export class MaterializationService {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsService,
    private readonly operations: OperationsService,
    private readonly audit: AuditService,
    private readonly tiers: TierTable,
  ) {}

  /** Starts building the graph from what is staged. Throws {@link GraphNotReady} before its first generation. */
  async request(actor: Actor, graphId: string, request: MaterializeDto): Promise<Operation> {
    if (request.dry_run) throw new NotImplementedYet('dry_run');
    const graph = await this.graphs.get(graphId);
    if (graph.status !== 'active') throw new GraphNotReady(graphId, graph.status);
    const { materializations_per_day: limit } = this.tiers.of(graph.tier);
    return this.transactor.run(async (em) => {
      await requireRoomToday(em, { graphId, type: MaterializeGraph.name, limit, what: 'materializations' });
      const operation = await this.operations.begin(em, MaterializeGraph, {
        actor,
        orgId: graph.orgId,
        graphId,
        payload: { force: request.force || request.rebuild, ignoreErrors: request.ignore_errors },
      });
      await this.audit.record(em, {
        actor,
        action: 'graph.materialization_requested',
        target: graphId,
        orgId: graph.orgId,
      });
      return operation;
    });
  }

  async status(graphId: string, now: Date): Promise<object> {
    const graph = await this.graphs.get(graphId);
    const last = graph.lastMaterializedAt;
    return {
      graph_id: graphId,
      is_stale: graph.staleReason !== null,
      message:
        graph.staleReason === null
          ? last === null
            ? 'Nothing was staged or materialized yet'
            : 'The graph holds what is staged'
          : `The graph does not hold what is staged: ${graph.staleReason}`,
      stale_reason: graph.staleReason,
      stale_since: graph.staleSince?.toISOString() ?? null,
      last_materialized_at: last?.toISOString() ?? null,
      materialization_count: graph.materializationCount,
      hours_since_materialization: last === null ? null : (now.getTime() - last.getTime()) / MS_PER_HOUR,
      generation: graph.liveGeneration,
    };
  }
}
