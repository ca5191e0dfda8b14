import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { GraphEngine } from '../engine/graph-engine';
import { GenerationsService } from '../graphs/generations.service';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { definitionsOf } from '../schemas/schema-definitions';
import { SubgraphBirths } from './subgraph-births';
import { CreateSubgraph, type SubgraphPayload } from './subgraphs.operations';

/** Builds the first generation: the tables of the schema, without rows. */
@Injectable()
@HandlesOperation(CreateSubgraph)
export class CreateSubgraphProcessor extends OperationProcessor<typeof CreateSubgraph> {
  constructor(
    private readonly graphs: GraphsService,
    private readonly generations: GenerationsService,
    private readonly engine: GraphEngine,
    private readonly births: SubgraphBirths,
  ) {
    super();
  }

  async run(_payload: SubgraphPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    const { schema } = await this.graphs.get(graphId);
    ctx.progress(10, 'Creating the database');
    const build = await this.generations.begin(ctx, graphId);
    const manifest = await this.engine.build(
      { target: build, definitions: definitionsOf(schema), loads: [] },
      { signal: ctx.signal },
    );
    ctx.progress(90, 'Publishing');
    const result = { graph_id: graphId, generation: build.generation };
    await this.generations.publish(ctx, build, manifest, async (em) => {
      await this.births.noteBorn(em, ctx, 'subgraph.created');
      await ctx.keepResult(em, result);
    });
    return result;
  }

  protected override afterFailureOrCancel(em: EntityManager, _: SubgraphPayload, ended: Operation): Promise<void> {
    return this.births.giveUp(em, ended);
  }

  protected override beforeRetry(em: EntityManager, _: SubgraphPayload, retry: Operation): Promise<void> {
    return this.births.tryAgain(em, retry);
  }
}
