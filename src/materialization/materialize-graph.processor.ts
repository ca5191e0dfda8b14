import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import type { Graph } from '../graphs/graph.entity';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import { StagingService } from '../staging/staging.service';
import { GenerationLoader } from './generation-loader';
import { type MaterializationPlan, planMaterialization } from './materialization-plan';
import { resultOf } from './materialization-result';
import { MaterializeGraph, type MaterializeGraphPayload } from './materialization.operations';

/** Staging tables -> checked, typed Parquet -> a new generation beside the live one -> published. */
@Injectable()
@HandlesOperation(MaterializeGraph)
export class MaterializeGraphProcessor extends OperationProcessor<typeof MaterializeGraph> {
  constructor(
    private readonly graphs: GraphsService,
    private readonly staging: StagingService,
    private readonly loader: GenerationLoader,
    private readonly work: WorkDirectories,
    private readonly clock: Clock,
  ) {
    super();
  }

  async run({ force, ignoreErrors, mode = 'auto' }: MaterializeGraphPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    const startedAt = this.clock.now();
    const graph = await this.graphs.get(graphId);
    const [staged, live] = await Promise.all([this.staging.snapshot(graph), this.graphs.liveGeneration(graphId)]);
    const plan = planMaterialization(mode, staged, live, { force });
    const before = { was_stale: graph.staleReason !== null, stale_reason: graph.staleReason, mode: plan.mode };
    if (plan.mode === 'none') return skipped(graph, plan, before);
    return this.work.use(ctx, async (directory) => {
      const loaded = await this.loader.load(ctx, { graph, live, plan, directory, ignoreErrors });
      const result = {
        ...resultOf(graphId, ctx.operationId, loaded.build.generation, loaded),
        ...before,
        why: plan.why,
      };
      await this.loader.publish(ctx, { plan, mode: plan.mode, loaded, startedAt, result });
      return result;
    });
  }
}

function skipped(graph: Graph, plan: MaterializationPlan, before: object): object {
  return {
    graph_id: graph.id,
    generation: graph.liveGeneration,
    skipped: true,
    ...before,
    tables_materialized: [],
    total_rows: 0,
    message: plan.why,
  };
}
